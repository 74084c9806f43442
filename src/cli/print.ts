/**
 * The one way to standard output and standard error. What is printed may hold what others have
 * written, so nothing that steers a terminal gets there but the styles of our own; nor do logins.
 */
import { styleText } from "node:util"
import { printable, printableStyled, withoutLogins } from "../core/printable.ts"

type Stream = NodeJS.WriteStream

/** What a command has to say as its result. */
export function print(text: string): void {
  process.stdout.write(words(text, process.stdout))
}

/** What a command says beside its result. */
export function printError(text: string): void {
  process.stderr.write(words(text, process.stderr))
}

/** A document for other programs: as it is, unless a terminal is to show it. */
export function printDocument(text: string): void {
  process.stdout.write(process.stdout.isTTY ? printable(text) : text)
}

/** Where there are no styles of ours, none of others are let through. */
function words(text: string, stream: Stream): string {
  const shown = withoutLogins(text)
  return styleText("bold", "", { stream }) === "" ? printable(shown) : printableStyled(shown)
}
