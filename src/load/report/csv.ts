/**
 * Locust's three tables, column for column, so that what reads Locust's reads these. Times are in
 * milliseconds, to the microsecond where Locust rounds to whole ones.
 */
import type { Point } from "../history.ts"
import type { Result } from "../result.ts"
import { percents, type Row } from "../stats.ts"

const percentileColumns = percents.map((percent) => `${percent}%`)

type Cell = string | number

/** `*_stats.csv`: a line for each name, and one for all. */
export function statsCsv({ rows, total }: Pick<Result, "rows" | "total">): string {
  return table(
    [
      "Type",
      "Name",
      "Request Count",
      "Failure Count",
      "Median Response Time",
      "Average Response Time",
      "Min Response Time",
      "Max Response Time",
      "Average Content Size",
      "Requests/s",
      "Failures/s",
      ...percentileColumns,
    ],
    [...rows, total].map((row) => [
      row.method,
      row.name,
      row.requests,
      row.failures,
      row.latency.percentilesMs[50],
      row.latency.meanMs,
      row.latency.minMs,
      row.latency.maxMs,
      row.meanBytes,
      row.requestsPerS,
      row.failuresPerS,
      ...percentileCells(row),
    ]),
  )
}

/** `*_stats_history.csv`: a line a second, for all names together as Locust has it. */
export function historyCsv(history: readonly Point[]): string {
  return table(
    [
      "Timestamp",
      "User Count",
      "Type",
      "Name",
      "Requests/s",
      "Failures/s",
      ...percentileColumns,
      "Total Request Count",
      "Total Failure Count",
      "Total Median Response Time",
      "Total Average Response Time",
      "Total Min Response Time",
      "Total Max Response Time",
      "Total Average Content Size",
    ],
    history.map(({ timeMs, users, requestsPerS, failuresPerS, percentilesMs, total }) => [
      Math.round(timeMs / 1000),
      users,
      "",
      "Aggregated",
      requestsPerS,
      failuresPerS,
      ...percents.map((percent) => percentilesMs?.[percent] ?? "N/A"),
      total.requests,
      total.failures,
      total.medianMs,
      total.meanMs,
      total.minMs,
      total.maxMs,
      total.meanBytes,
    ]),
  )
}

/** `*_failures.csv`: a line for each kind of failure. */
export function failuresCsv({ failures }: Pick<Result, "failures">): string {
  return table(
    ["Method", "Name", "Error", "Occurrences", "First Seen", "Last Seen"],
    failures.map((row) => [
      row.method,
      row.name,
      row.error,
      row.occurrences,
      new Date(row.firstSeenMs).toISOString(),
      new Date(row.lastSeenMs).toISOString(),
    ]),
  )
}

function percentileCells({ requests, latency }: Row): Cell[] {
  return percents.map((percent) => (requests === 0 ? "N/A" : latency.percentilesMs[percent]))
}

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("")
}

function cell(value: Cell): string {
  if (typeof value === "number") return String(Number(value.toFixed(3)))
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}
