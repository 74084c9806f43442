/**
 * Prometheus' text format, as far as a reader of single samples needs it: names, labels, values.
 * Comments, types and timestamps are passed over, and so is any line that is none.
 * Format: https://prometheus.io/docs/instrumenting/exposition_formats/
 */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

// Each is tried where the one before has ended, and nowhere else: so a line takes time by its length,
// whatever a target has made of it.
const namePattern = /[a-zA-Z_:][\w:]*/y
const labelPattern = /[ \t]*([a-zA-Z_]\w*)[ \t]*=[ \t]*"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*,?/y
const labelsEndPattern = /[ \t]*\}/y
const valuePattern = /[ \t]+(\S+)/y

export function parseSamples(text: string): readonly Sample[] {
  return text.split("\n").flatMap((line) => sampleIn(line.trim()) ?? [])
}

function sampleIn(line: string): Sample | undefined {
  let at = 0
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(line)
    if (found !== null) at = pattern.lastIndex
    return found
  }
  const name = next(namePattern)?.[0]
  if (name === undefined) return undefined
  const labels: [string, string][] = []
  if (line[at] === "{") {
    at += 1
    for (let found = next(labelPattern); found !== null; found = next(labelPattern)) {
      labels.push([found[1]!, unescaped(found[2]!)])
    }
    if (next(labelsEndPattern) === null) return undefined
  }
  const value = numberOf(next(valuePattern)?.[1] ?? "")
  return value === undefined ? undefined : { name, labels: Object.fromEntries(labels), value }
}

/** Of all samples of that name and those labels; `undefined` when there is none. */
export function sumOf(
  samples: readonly Sample[],
  name: string,
  labels: Sample["labels"] = {},
): number | undefined {
  const fitting = samples.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )
  if (fitting.length === 0) return undefined
  return fitting.reduce((sum, { value }) => sum + value, 0)
}

function unescaped(value: string): string {
  return value.replaceAll(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char))
}

/** Finite numbers only: a quantile of nothing is NaN, and no figure. */
function numberOf(text: string): number | undefined {
  const number = text === "" ? Number.NaN : Number(text)
  return Number.isFinite(number) ? number : undefined
}
