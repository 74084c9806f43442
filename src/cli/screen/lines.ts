/**
 * What a screenful is made of: lines of styled parts, cut to the width of the terminal. Pure. Both
 * `capstan up` and `capstan watch` show replicas, their CPU and decisions, and do it alike.
 */
import { styleText } from "node:util"
import { printableLine } from "../../core/printable.ts"

export interface Size {
  readonly rows: number
  readonly columns: number
}

/** Something that was said, with its time in milliseconds since 1970. */
export interface Note {
  readonly at: number
  readonly text: string
}

export type Style = Parameters<typeof styleText>[0]
/** Parts of a line; only what is measured without colours can be cut. */
export type Line = readonly Part[]
export type Part = readonly [text: string, style?: Style]

/** At most as many lines as there are rows, and as wide as there are columns. */
export function fitted(lines: readonly Line[], { rows, columns }: Size): string {
  return lines
    .slice(0, rows - 1)
    .map((line) => `  ${styled(line, columns - 3)}`)
    .join("\n")
}

export function styled(line: Line, columnsMax: number): string {
  let left = columnsMax
  let text = ""
  for (const [raw, style] of line) {
    // What others have written may hold ends of lines, and what steers a terminal.
    const part = printableLine(raw)
    const cut = part.length > left ? `${part.slice(0, Math.max(0, left - 1))}…` : part
    text += style === undefined ? cut : styleText(style, cut, { stream: process.stdout })
    left -= cut.length
    if (left <= 0) break
  }
  return text.trimEnd()
}

export function part(text: string, style: Style | false): Part {
  return style === false ? [text] : [text, style]
}

export function section(title: string, lines: readonly Line[]): readonly Line[] {
  return lines.length === 0 ? [] : [[], [[title, "cyan"]], ...lines]
}

/** The newest of them. */
export function noteLines(notes: readonly Note[], max: number): readonly Line[] {
  return max <= 0 ? [] : notes.slice(-max).map(({ at, text }) => [[`${time(at)}  `, "dim"], [text]])
}

const barCells = 20

/** Use up to twice the target, which is its middle. */
export function bar(percent: number | undefined, target: number): string {
  const filled = Math.round(((percent ?? 0) / (2 * target)) * barCells)
  const cells = Array.from({ length: barCells }, (_, i) => (i < filled ? "█" : "░")).join("")
  return `${cells.slice(0, barCells / 2)}│${cells.slice(barCells / 2)}`
}

/** `8 s`, `3 m`, `2 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 100) return `${seconds} s`
  return seconds < 6000 ? `${Math.round(seconds / 60)} m` : `${Math.round(seconds / 3600)} h`
}

/** `14:07:31`. */
export function time(atMs: number): string {
  return new Date(atMs).toLocaleTimeString("en-GB")
}
