/**
 * The history of every name, for the charts of one endpoint. Names share one time axis and have
 * columns of a fixed size: 200 names take 8 MB, whether they are seen for a minute or for a week.
 */
import type { Course } from "../books/course.ts"
import { namesMax } from "../books/names.ts"
import type { SnapshotRow } from "../result.ts"

const columns = ["requestsPerS", "failuresPerS", "p50", "p95", "p99"] as const
export type EndpointColumn = (typeof columns)[number]

/** Half an hour by the second; then one for two seconds, and so on. */
const pointsMax = 1800

type Columns = Readonly<Record<EndpointColumn, Float32Array>>
type Row = Pick<
  SnapshotRow,
  "method" | "name" | "currentPerS" | "currentFailuresPerS" | "currentPercentilesMs"
>

export class Endpoints {
  readonly #byName = new Map<string, Columns>()
  #timeMs: number[] = []

  /** A second is over. */
  add(timeMs: number, rows: readonly Row[]): void {
    if (this.#timeMs.length === pointsMax) this.#halve()
    const index = this.#timeMs.push(timeMs) - 1
    for (const row of rows) {
      const column = this.#columnsOf(keyOf(row.method, row.name))
      if (column === undefined) continue
      const { currentPercentilesMs: percentiles } = row
      column.requestsPerS[index] = row.currentPerS
      column.failuresPerS[index] = row.currentFailuresPerS
      column.p50[index] = percentiles?.[50] ?? Number.NaN
      column.p95[index] = percentiles?.[95] ?? Number.NaN
      column.p99[index] = percentiles?.[99] ?? Number.NaN
    }
  }

  /** `undefined` when nothing of that name was seen. */
  course(method: string, name: string): Course<EndpointColumn> | undefined {
    const found = this.#byName.get(keyOf(method, name))
    if (found === undefined) return undefined
    const told = columns.map((column) => [
      column,
      Array.from(found[column].subarray(0, this.#timeMs.length), (value) =>
        Number.isNaN(value) ? null : Math.round(value * 1000) / 1000,
      ),
    ])
    return { timeMs: this.#timeMs, columns: Object.fromEntries(told) }
  }

  #columnsOf(key: string): Columns | undefined {
    const known = this.#byName.get(key)
    // One more than names, for those that are counted together.
    if (known !== undefined || this.#byName.size > namesMax) return known
    const made = Object.fromEntries(
      columns.map((column) => [
        column,
        // Before it was first seen there were no requests, and no times of any.
        new Float32Array(pointsMax).fill(column.startsWith("p") ? Number.NaN : 0),
      ]),
    ) as Columns
    this.#byName.set(key, made)
    return made
  }

  /** As the history of the whole does: rates as their mean, times as the higher one. */
  #halve(): void {
    const kept = pointsMax / 2
    this.#timeMs = this.#timeMs.filter((_, index) => index % 2 === 1)
    for (const found of this.#byName.values()) {
      for (const name of columns) {
        const column = found[name]
        for (let index = 0; index < kept; index++) {
          const [a, b] = [column[2 * index]!, column[2 * index + 1]!]
          column[index] = name.startsWith("p") ? higher(a, b) : (a + b) / 2
        }
        column.fill(name.startsWith("p") ? Number.NaN : 0, kept)
      }
    }
  }
}

function keyOf(method: string, name: string): string {
  return `${method}\n${name}`
}

function higher(a: number, b: number): number {
  if (Number.isNaN(a)) return b
  return Number.isNaN(b) ? a : Math.max(a, b)
}
