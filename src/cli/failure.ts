/**
 * What goes wrong and is not a bug: the person at the keyboard gets a sentence and what to do, and
 * the shell gets an exit code. Whatever else is thrown is a bug of Capstan and keeps its stack.
 */
import { styleText } from "node:util"

/**
 * 2: the command line or a setting is wrong. 1: it was understood, and it failed. The others: a signal
 * has interrupted it, with the code that shells have for that.
 */
export type FailureCode = 1 | 2 | 129 | 130 | 143

export class Failure extends Error {
  override readonly name = "Failure"
  readonly exitCode: FailureCode
  /** What to do about it. */
  readonly hint: string | undefined

  constructor(exitCode: FailureCode, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
    this.hint = hint
  }
}

/** As it is shown: the message behind our name, the hint below it. */
export function complaint(message: string, hint?: string): string {
  const name = "capstan:"
  const [first, ...more] = [...message.trimEnd().split("\n"), ...(hint?.split("\n") ?? [])]
  const lines = more.map((line) => (line === "" ? "" : `${" ".repeat(name.length + 1)}${line}`))
  const start = `${styleText(["red", "bold"], name, { stream: process.stderr })} ${first}`
  return `${[start, ...lines].join("\n")}\n`
}
