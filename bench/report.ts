/** From figures to a table: rounds taken in turn, medians with their spread, requirements checked. */
import { cpus, release } from "node:os"

/** What one contender did in one round, by column. */
export type Figures = Readonly<Record<string, number>>

export interface Contender {
  readonly title: string
  measure(round: number): Promise<Figures>
}

export interface Column {
  readonly key: string
  /** With its unit. */
  readonly title: string
  readonly digits: number
}

/** A figure that must be reached. */
export interface Requirement {
  readonly what: string
  readonly is: number
  readonly must: "at most" | "at least"
  readonly bound: number
}

export interface Outcome {
  readonly columns: readonly Column[]
  readonly rows: Rows
  readonly requirements?: readonly Requirement[]
  /** What a reader needs to judge the table. */
  readonly notes?: readonly string[]
  /** What is kept beside the rounds, for a picture say. */
  readonly details?: object
}

/** By title, one entry a round. */
export type Rows = ReadonlyMap<string, readonly Figures[]>

export interface Options {
  readonly rounds: number
  readonly durationMs: number
  /** Iterations of `spin` that take 20 ms of CPU here. */
  readonly spinIterations: number
}

export interface Bench {
  readonly name: string
  readonly question: string
  run(options: Options): Promise<Outcome>
}

/**
 * Measures every contender once a round, and begins each round with another one: what the machine
 * does meanwhile then hits all of them alike.
 *
 * A contender that fails loses that round, which is said on standard error.
 */
export async function measureRounds(
  rounds: number,
  contenders: readonly Contender[],
): Promise<Rows> {
  const rows = new Map<string, Figures[]>(contenders.map(({ title }) => [title, []]))
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(round + i) % contenders.length]!
      process.stderr.write(`  round ${round + 1}/${rounds}: ${contender.title}\n`)
      try {
        rows.get(contender.title)?.push(await contender.measure(round))
      } catch (error) {
        process.stderr.write(`  ${contender.title} failed: ${error}\n`)
      }
    }
  }
  return rows
}

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const median =
    sorted.length % 2 === 1
      ? sorted[middle]
      : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
  return {
    median: median ?? Number.NaN,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
  }
}

/** The median of one figure of one contender. NaN when it was never measured. */
export function median(rows: Rows, title: string, key: string): number {
  return spread(valuesOf(rows.get(title) ?? [], key)).median
}

/**
 * One figure of two contenders, compared round by round, so that what slowed one round slowed both:
 * the median of what comes out.
 */
export function byRound(
  rows: Rows,
  [one, other]: readonly [one: string, other: string],
  key: string,
  compare: (one: number, other: number) => number,
): number {
  const others = rows.get(other) ?? []
  const compared = (rows.get(one) ?? []).map((figures, round) =>
    compare(figures[key] ?? Number.NaN, others[round]?.[key] ?? Number.NaN),
  )
  return spread(compared).median
}

/** The table, and below it what had to be reached and what else there is to say. */
export function toMarkdown(outcome: Outcome): string {
  const { requirements = [], notes = [] } = outcome
  const lines = [...requirements.map(toLine), ...notes].map((line) => `- ${line}`)
  return [toTable(outcome), "", ...lines].join("\n")
}

function toTable({ columns, rows }: Outcome): string {
  const lines = [
    ["", ...columns.map(({ title }) => title)],
    columns.length === 0 ? [] : ["---", ...columns.map(() => "---:")],
    ...Array.from(rows, ([title, figures]) => [
      title,
      ...columns.map(({ key, digits }) => showSpread(valuesOf(figures, key), digits)),
    ]),
  ]
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i + 1]?.length ?? 0)))
  const titleWidth = Math.max(...lines.map((line) => line[0]?.length ?? 0))
  return lines
    .map(([first = "", ...rest]) => {
      const cells = rest.map((cell, i) => cell.padStart(widths[i] ?? 0))
      return `| ${[first.padEnd(titleWidth), ...cells].join(" | ")} |`
    })
    .join("\n")
}

function toLine({ what, is, must, bound }: Requirement): string {
  return `${isMet({ is, must, bound }) ? "✓" : "✗"} ${what}: ${round(is)}, ${must} ${round(bound)}`
}

function isMet({ is, must, bound }: Omit<Requirement, "what">): boolean {
  return must === "at most" ? is <= bound : is >= bound
}

/** As it is kept: every round, so that anyone can judge the spread. */
export function toJson(
  bench: Pick<Bench, "name" | "question">,
  options: object,
  outcome: Outcome,
): string {
  const rows = Array.from(outcome.rows, ([title, figures]) => ({
    title,
    summary: Object.fromEntries(
      outcome.columns.map(({ key }) => [key, spread(valuesOf(figures, key))]),
    ),
    rounds: figures,
  }))
  const { name, question } = bench
  const { columns, requirements = [], notes = [], details } = outcome
  const content = {
    name,
    question,
    machine: machine(),
    measuredAt: new Date().toISOString(),
    options,
    columns,
    rows,
    requirements: requirements.map((it) => ({ ...it, met: isMet(it) })),
    notes,
    details,
  }
  return `${JSON.stringify(content, null, 2)}\n`
}

export function machine(): string {
  const models = cpus()
  return `Node ${process.versions.node}, Linux ${release()}, ${models.length} × ${models[0]?.model ?? "CPU"}`
}

function valuesOf(figures: readonly Figures[], key: string): number[] {
  return figures.flatMap((figure) => (figure[key] === undefined ? [] : [figure[key]]))
}

function showSpread(values: readonly number[], digits: number): string {
  if (values.length === 0) return "–"
  const { median, min, max } = spread(values)
  const show = (value: number): string => value.toFixed(digits)
  return min === max ? show(median) : `${show(median)} (${show(min)}–${show(max)})`
}

function round(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : `${Number(value.toPrecision(3))}`
}
