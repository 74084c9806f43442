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

const linePattern = /^([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?[ \t]+(\S+)/
const labelPattern = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g

export function parseSamples(text: string): readonly Sample[] {
  const samples: Sample[] = []
  for (const line of text.split("\n")) {
    const [, name, labels = "", value = ""] = linePattern.exec(line.trim()) ?? []
    const number = numberOf(value)
    if (name !== undefined && number !== undefined) {
      samples.push({ name, labels: labelsOf(labels), value: number })
    }
  }
  return samples
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

function labelsOf(text: string): Sample["labels"] {
  return Object.fromEntries(
    Array.from(text.matchAll(labelPattern), ([, label = "", value = ""]) => [
      label,
      value.replaceAll(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char)),
    ]),
  )
}

/** Finite numbers only: a quantile of nothing is NaN, and no figure. */
function numberOf(text: string): number | undefined {
  const number = text === "" ? Number.NaN : Number(text)
  return Number.isFinite(number) ? number : undefined
}
