/** What a command says on its way: on standard error, since standard output is for its result. */
import { printError } from "./print.ts"
export function say(text: string): void {
  printError(`capstan: ${text}\n`)
}
