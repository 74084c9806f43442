/**
 * Prometheus' text format, as far as a reader of single samples needs it: names, labels, values.
 * Comments, types, timestamps and exemplars are passed over, and so is any line that is none.
 * Format: https://prometheus.io/docs/instrumenting/exposition_formats/
 */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

// Each is tried where the one before has ended, and nowhere else: so a line takes time by its length,
// whatever a target has made of it. Blanks may stand between any two of them.
const namePattern = /[a-zA-Z_:][\w:]*/y
const bracePattern = /[ \t]*\{/y
const labelNamePattern = /[ \t]*([a-zA-Z_]\w*)/y
const quotedPattern = /[ \t]*"([^"\\]*(?:\\.[^"\\]*)*)"/sy
const equalsPattern = /[ \t]*=/y
const commaPattern = /[ \t]*,/y
const endBracePattern = /[ \t]*\}/y
const valuePattern = /[ \t]*([^\s{}"]+)/y
const endPattern = /(?:[ \t]+[-+.\deE]+)?(?:[ \t]+#|$)/y

/**
 * @param names left out: all. Of others no more than the name is read: of a large page most is for
 *   others, and it is read every second.
 * @throws {RangeError} when there are more than `samplesMax` of them.
 */
export function parseSamples(
  text: string,
  names?: ReadonlySet<string>,
  samplesMax = Number.POSITIVE_INFINITY,
): readonly Sample[] {
  const samples: Sample[] = []
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf("\n", at)
    const end = found === -1 ? text.length : found
    const sample = sampleIn(text.slice(at, end).trim(), names)
    at = end + 1
    if (sample === undefined) continue
    samples.push(sample)
    if (samples.length > samplesMax) throw new RangeError(`There are more than ${samplesMax}.`)
  }
  return samples
}

function sampleIn(line: string, names: ReadonlySet<string> | undefined): Sample | undefined {
  let at = 0
  /** What stands here, as the pattern's group has it; undefined when something else does. */
  const next = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(line)
    if (found === null) return undefined
    at = pattern.lastIndex
    return found[1] ?? found[0]
  }
  const quoted = (): string | undefined => {
    const found = next(quotedPattern)
    return found === undefined ? undefined : unescaped(found)
  }
  let name = next(namePattern)
  if (name !== undefined && names?.has(name) === false) return undefined
  const labels: [string, string][] = []
  const isBraced = next(bracePattern) !== undefined
  for (let goesOn = isBraced; goesOn; ) {
    const bare = next(labelNamePattern)
    const key = bare ?? quoted()
    if (key !== undefined && next(equalsPattern) !== undefined) {
      const value = quoted()
      if (value === undefined) return undefined
      labels.push([key, value])
    } else if (key !== undefined) {
      // A name that has other characters stands there, in quotes.
      if (bare !== undefined || name !== undefined) return undefined
      name = key
    }
    goesOn = key !== undefined && next(commaPattern) !== undefined
    if (!goesOn && next(endBracePattern) === undefined) return undefined
  }
  const begin = at
  const value = numberOf(next(valuePattern) ?? "")
  // A name runs as far as it can: what follows it at once is none of the two.
  const isApart = isBraced || /[ \t]/.test(line.charAt(begin))
  if (!name || value === undefined || !isApart) return undefined
  if (next(endPattern) === undefined || names?.has(name) === false) return undefined
  return { name, labels: Object.fromEntries(labels), value }
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
  return value.replaceAll(/\\(.)/gs, (_, char: string) => (char === "n" ? "\n" : char))
}

/** Finite numbers only: a quantile of nothing is NaN, and no figure. */
function numberOf(text: string): number | undefined {
  const number = text === "" ? Number.NaN : Number(text)
  return Number.isFinite(number) ? number : undefined
}
