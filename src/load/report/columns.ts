/** Text in columns, and in the width that there is. */

/** As wide as it needs to be: what does not go to a terminal has no width. */
export const anyWidth = Number.POSITIVE_INFINITY

type Align = "left" | "right"

/** Rows of equal length below each other. Nothing stands behind the last word of a line. */
export function inColumns(
  rows: readonly (readonly string[])[],
  align: (index: number) => Align,
): string[] {
  const widths = (rows[0] ?? []).map((_, index) =>
    Math.max(...rows.map((row) => (row[index] ?? "").length)),
  )
  return rows.map((row) =>
    row
      .map((text, index) =>
        align(index) === "left" ? text.padEnd(widths[index]!) : text.padStart(widths[index]!),
      )
      .join("  ")
      .trimEnd(),
  )
}

/** Broken between words, what follows the first line indented; a word that is too long within. */
export function wrapped(text: string, width: number, indent = ""): string[] {
  if (text.length <= width) return [text]
  const begin = text.length - text.trimStart().length
  const [first = "", ...words] = text.slice(begin).split(" ")
  const lines: string[] = []
  let line = text.slice(0, begin) + first
  for (const word of words) {
    if (line.length + 1 + word.length > width) {
      lines.push(line.trimEnd())
      line = indent + word
    } else line += ` ${word}`
    while (line.length > width) {
      lines.push(line.slice(0, width))
      line = indent + line.slice(width)
    }
  }
  return [...lines, line]
}

/** With the middle left out, of which least is missed: names end in what tells them apart. */
export function shortened(text: string, width: number): string {
  if (text.length <= width) return text
  const end = Math.floor((width - 1) / 2)
  return `${text.slice(0, width - 1 - end)}…${text.slice(text.length - end)}`
}
