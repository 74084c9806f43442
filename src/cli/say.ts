/** What a command says on its way: on standard error, since standard output is for its result. */
export function say(text: string): void {
  process.stderr.write(`capstan: ${text}\n`)
}
