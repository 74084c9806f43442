/** What a person wants to know of a run, in plain text. */

import { printableLine } from "../../core/printable.ts"
import type { Row } from "../books/stats.ts"
import { formatDuration } from "../pace/duration.ts"
import type { Phases, Result } from "../result.ts"
import { anyWidth, inColumns, shortened, wrapped } from "./columns.ts"
import type { Comparison } from "./compare.ts"
import { comparisonLines } from "./compare-text.ts"
import { time } from "./figures.ts"

export interface TextOptions {
  /** Of the terminal. @default as wide as it needs to be */
  readonly width?: number | undefined
  readonly comparison?: Comparison | undefined
}

/** In lines of about 100 columns where there is room, and at least 40. */
export function resultText(result: Result, options: TextOptions = {}): string {
  const { width = anyWidth, comparison } = options
  const { thresholds, generator } = result
  const prose = (text: string): string[] => wrapped(text, width, "  ")
  const paragraphs = [
    prose(
      `${result.scenario} at ${result.target}: ${result.offered}, ${formatDuration(result.durationMs)} (${result.ended})`,
    ),
    statistics(result, width),
    failures(result).flatMap((line) => wrapped(line, width, "      ")),
    exceptions(result).flatMap((line) => wrapped(line, width, "      ")),
    thresholds.map(
      ({ threshold, measured, kept }) =>
        `${kept ? "kept   " : "CROSSED"}  ${threshold}  (measured: ${measured})`,
    ),
    comparison === undefined ? [] : comparisonLines(comparison, width),
    [
      ...prose(
        result.model === "open"
          ? `Latency counts from when a request was due; sent ${time(generator.lagMs.p99)} late at p99, ${time(generator.lagMs.max)} at most.`
          : "Latency counts from when a request was sent: users wait for their answers, so an outage holds them back.",
      ),
      ...prose(whereTimeGoes(result.phases)),
      ...prose(connections(result.connections)),
      ...(generator.limit === null ? [] : prose(generator.limit)),
      ...result.notes.flatMap(prose),
    ],
  ]
  return paragraphs
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map(printableLine).join("\n"))
    .join("\n\n")
}

const failuresShown = 10

/** Names are cut first; then columns go, the least missed first. */
function statistics({ rows, total }: Pick<Result, "rows" | "total">, width: number): string[] {
  const all = [...rows, total]
  let shown = columns
  for (const without of [undefined, "max", "req/s", "p95", "failed"]) {
    shown = shown.filter(({ head }) => head !== without)
    const figures = all.map((row) => shown.map(({ cell }) => cell(row)))
    const heads = shown.map(({ head }) => head)
    const room = width - Math.max(...inColumns([heads, ...figures], () => "right").map(length)) - 2
    if (room < nameWidthMin && without !== "failed") continue
    const names = all.map((row) => shortened(nameOf(row), Math.max(nameWidthMin, room)))
    return inColumns(
      [["", ...heads], ...figures.map((cells, index) => [names[index]!, ...cells])],
      (index) => (index === 0 ? "left" : "right"),
    )
  }
  return []
}

const nameWidthMin = 16

const columns: readonly { readonly head: string; readonly cell: (row: Row) => string }[] = [
  { head: "requests", cell: ({ requests }) => String(requests) },
  { head: "failed", cell: failed },
  { head: "req/s", cell: ({ requestsPerS }) => requestsPerS.toFixed(1) },
  { head: "p50", cell: ({ latency }) => time(latency.percentilesMs[50]) },
  { head: "p95", cell: ({ latency }) => time(latency.percentilesMs[95]) },
  { head: "p99", cell: ({ latency }) => time(latency.percentilesMs[99]) },
  { head: "max", cell: ({ latency }) => time(latency.maxMs) },
]

function failed({ requests, failures }: Row): string {
  if (failures === 0) return "0"
  return `${failures} (${(requests === 0 ? 0 : (failures / requests) * 100).toFixed(1)}%)`
}

function failures({ failures: kinds }: Result): string[] {
  if (kinds.length === 0) return ["No request failed."]
  const shown = kinds
    .slice(0, failuresShown)
    .map((row) => [String(row.occurrences), nameOf(row), row.error])
  return ["Failures:", ...listed(shown, kinds.length)]
}

function exceptions({ exceptions: kinds }: Result): string[] {
  if (kinds.length === 0) return []
  const shown = kinds
    .slice(0, failuresShown)
    .map(({ occurrences, task, message }) => [String(occurrences), task, firstLine(message)])
  return ["The scenario threw:", ...listed(shown, kinds.length)]
}

function listed(rows: readonly (readonly string[])[], count: number): string[] {
  const lines = inColumns(rows, (index) => (index === 0 ? "right" : "left"))
  const more = count > rows.length ? [`  and ${count - rows.length} more kinds`] : []
  return [...lines.map((line) => `  ${line}`), ...more]
}

/** At the median, which adds up to about the whole. */
function whereTimeGoes({ connect, tls, firstByte, body }: Phases): string {
  const parts = { connect, TLS: tls, "first byte": firstByte, body }
  const said = Object.entries(parts)
    .filter(([, { count }]) => count > 0)
    .map(([name, { percentilesMs }]) => `${name} ${time(percentilesMs[50])}`)
  return said.length === 0
    ? "Nothing was answered."
    : `Where the time goes, at p50: ${said.join(", ")}.`
}

function connections({ opened, resent, ageMsMax, requestsMax }: Result["connections"]): string {
  const parts = [
    ...(ageMsMax === 0 ? [] : [`after ${formatDuration(ageMsMax)}`]),
    ...(requestsMax === 0 ? [] : [`after ${requestsMax} requests`]),
  ]
  const bounds = parts.length === 0 ? "only when it is closed" : parts.join(" or ")
  const again =
    resent === 0 ? "" : ` ${resent} requests were sent again, because theirs was closed under them.`
  return `Connections opened: ${opened}; each is replaced ${bounds}.${again}`
}

function nameOf({ method, name }: { readonly method: string; readonly name: string }): string {
  return `${method} ${name}`.trim()
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!
}

function length(text: string): number {
  return text.length
}
