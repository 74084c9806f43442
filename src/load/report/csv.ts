/**
 * Locust's four tables, column for column, so that what reads Locust's reads these. Times are in
 * milliseconds, to the microsecond where Locust rounds to whole ones.
 *
 * Names and errors are what others have made up, and spreadsheets run what looks like a formula: such
 * a text gets a `'` in front (https://owasp.org/www-community/attacks/CSV_Injection).
 */
import type { Point } from "../books/history.ts"
import { percents, type Row } from "../books/stats.ts"
import type { Result } from "../result.ts"

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
      seen(row.firstSeenMs),
      seen(row.lastSeenMs),
    ]),
  )
}

/** `*_exceptions.csv`: a line for each way in which the scenario threw. */
export function exceptionsCsv({ exceptions }: Pick<Result, "exceptions">): string {
  return table(
    ["Count", "Message", "Traceback", "Nodes"],
    exceptions.map(({ occurrences, task, message, stack }) => [
      occurrences,
      `${task}: ${message}`,
      stack,
      "local",
    ]),
  )
}

/** To the second, as Locust writes it. */
function seen(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

function percentileCells({ requests, latency }: Row): Cell[] {
  return percents.map((percent) => (requests === 0 ? "N/A" : latency.percentilesMs[percent]))
}

function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [head, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("")
}

function cell(value: Cell): string {
  if (typeof value === "number") return String(Number(value.toFixed(3)))
  const text = formula.test(value) ? `'${value}` : value
  return special.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** What a spreadsheet takes for the beginning of one; in East Asia the wide signs, too. */
const formula = /^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/
/** The semicolon and the tab are what other countries' spreadsheets have between cells. */
const special = /[",;\t\r\n]/
