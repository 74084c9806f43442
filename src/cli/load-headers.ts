/**
 * Headers as they are typed: `name: value`, or as curl has it `@FILE`, in which one stands on each line.
 * What is typed shows to everybody on the machine, in the list of processes; what is in a file or comes
 * through a pipe does not, so no message shows it either.
 */
import { readFileSync } from "node:fs"
import { Failure } from "./failure.ts"

/**
 * By their names, in lower case.
 * @throws {Failure} with exit code 2 when one can't be read.
 */
export function givenHeaders(typed: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    typed.flatMap((line) => {
      if (line.startsWith("@")) return headersIn(line.slice(1))
      const found = header(line)
      if (found !== undefined) return [found]
      throw new Failure(
        2,
        'A --header has no name: it must be "name: value", or @FILE with one on each line.',
      )
    }),
  )
}

function headersIn(file: string): readonly (readonly [string, string])[] {
  const flag = `--header @${file}`
  return textOf(file, flag)
    .replace(/^\ufeff/, "")
    .split("\n")
    .flatMap((line, index) => {
      const text = line.trim()
      if (text === "" || text.startsWith("#")) return []
      const found = header(text)
      if (found !== undefined) return [found]
      throw new Failure(2, `${flag}: line ${index + 1} has no name; it must be "name: value".`)
    })
}

function textOf(file: string, flag: string): string {
  try {
    return readFileSync(file === "-" ? process.stdin.fd : file, "utf8")
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Failure(
      2,
      `${flag}: ${file === "-" ? "standard input" : file} can't be read (${code}).`,
    )
  }
}

function header(line: string): readonly [string, string] | undefined {
  const colon = line.indexOf(":")
  const name = line.slice(0, Math.max(0, colon))
  return name === "" || /\s/.test(name)
    ? undefined
    : [name.toLowerCase(), line.slice(colon + 1).trim()]
}
