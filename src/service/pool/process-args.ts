/**
 * With what options of Node's own a worker's process is started: those of this process, since the
 * service's module may need them (`--conditions`, `--import`), but for those that are about the program
 * that this one runs, and ports that this one has.
 */

/** The value of each may be a word of its own. */
const withText = ["-e", "--eval", "-p", "--print", "-pe"]
const others = /^--(?:input-type|test|watch|inspect|check|interactive|max-old-space-size)\b/

export function processArgs(execArgv: readonly string[], memoryMiB: number): string[] {
  const kept = execArgv.filter((arg, at) => {
    if (withText.includes(arg) || withText.includes(execArgv[at - 1] ?? "")) return false
    return !others.test(arg.replaceAll("_", "-"))
  })
  return [...kept, `--max-old-space-size=${memoryMiB}`]
}
