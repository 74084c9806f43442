/**
 * Text of others, as a terminal may have it. A cluster, a target, a document or a log can hold what
 * moves the cursor, sets the title, hides or turns round what stands beside it. None of that is
 * printed; in its place stands a mark, since something was there.
 */

/** Control characters, C1 too, and what turns the direction of text. */
const unprintable = "[\\p{Cc}\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069]"
/** Bold, dim and colours, as `styleText` and the log write them: no other sequence of a terminal. */
const style = "\\x1b\\[(?:1|2|22|[34][0-79]|9[0-7])m"
const mark = "\ufffd"

const anyOf = (...patterns: readonly string[]) => new RegExp(patterns.join("|"), "gu")
const inOneLine = anyOf(unprintable)
const inLines = anyOf("\\r\\n?", unprintable)
const inStyle = anyOf(style, "\\r\\n?", unprintable)

/** The text with ends of lines and tabs, and without all else that a terminal would not print. */
export function printable(text: string): string {
  return text.replaceAll(inLines, shown)
}

/** The same in one line. */
export function printableLine(text: string): string {
  return text.replaceAll(inOneLine, mark)
}

/** {@link printable}, but for bold, dim and colours. */
export function printableStyled(text: string): string {
  return text.replaceAll(inStyle, (found) => (found.startsWith("\x1b[") ? found : shown(found)))
}

function shown(found: string): string {
  if (found.startsWith("\r")) return "\n"
  return found === "\n" || found === "\t" ? found : mark
}

/**
 * What a terminal takes for commands: with parameters, with a text, or of one letter. One that does not
 * end goes to the next: to look for its end from each beginning would take long (as Node's own
 * `stripVTControlCharacters` does).
 */
const sequence =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
  /\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?/g

/** The text as who writes it means it to be read, without styles and whatever else steers. */
export function withoutSequences(text: string): string {
  return text.replaceAll(sequence, "")
}

/**
 * The text without the logins of URLs in it, `user:password@`: what is printed is kept, pasted and
 * mailed. A login ends with the last `@` in front of the host's end.
 */
export function withoutLogins(text: string): string {
  return text.replaceAll(/(?<=:\/\/)[^\s/?#"'<>]+@/g, "…@")
}
