/** The final table, in plain text. */
import { formatDuration } from "../duration.ts"
import type { Result } from "../result.ts"
import type { Row } from "../stats.ts"

/** Everything that a person wants to know of a run, in lines of about 100 columns. */
export function resultText(result: Result): string {
  const { total, failures, thresholds, generator, connections, notes } = result
  const parts = [
    [
      `${result.scenario} at ${result.target}: ${result.offered}, ${formatDuration(result.durationMs)} (${result.ended})`,
    ],
    columns(
      ["", "requests", "failed", "req/s", "p50", "p95", "p99", "max"],
      [...result.rows, total].map((row) => [nameOf(row), ...figures(row)]),
    ),
    failures.length === 0
      ? ["No request failed."]
      : [
          "Failures:",
          ...columns(
            [],
            failures
              .slice(0, failuresShown)
              .map((row) => [String(row.occurrences), nameOf(row), row.error]),
          ).map((line) => `  ${line}`),
          ...(failures.length > failuresShown
            ? [`  and ${failures.length - failuresShown} more kinds`]
            : []),
        ],
    thresholds.map(
      ({ threshold, measured, kept }) =>
        `${kept ? "kept   " : "CROSSED"}  ${threshold}  (measured: ${measured})`,
    ),
    [
      result.model === "open"
        ? `Latency counts from when a request was due; sent ${time(generator.lagMs.p99)} late at p99, ${time(generator.lagMs.max)} at most.`
        : "Latency counts from when a request was sent: users wait for their answers, so an outage holds them back.",
      `Connections opened: ${connections.opened}; each is replaced ${bounds(connections)}.`,
      ...(generator.limit === null ? [] : [generator.limit]),
      ...notes,
    ],
  ]
  return parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")
}

/** `12.3 ms`, `1.23 s`: three digits, as they were measured. */
export function time(ms: number): string {
  if (ms >= 9995) return `${(ms / 1000).toFixed(1)} s`
  if (ms >= 999.5) return `${(ms / 1000).toFixed(2)} s`
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`
}

const failuresShown = 10

function nameOf({ method, name }: { readonly method: string; readonly name: string }): string {
  return `${method} ${name}`.trim()
}

function figures({ requests, failures, requestsPerS, latency }: Row): string[] {
  const { percentilesMs, maxMs } = latency
  const share = requests === 0 ? 0 : (failures / requests) * 100
  return [
    String(requests),
    failures === 0 ? "0" : `${failures} (${share.toFixed(1)}%)`,
    requestsPerS.toFixed(1),
    ...[percentilesMs[50], percentilesMs[95], percentilesMs[99], maxMs].map(time),
  ]
}

function bounds({ ageMsMax, requestsMax }: Result["connections"]): string {
  const parts = [
    ...(ageMsMax === 0 ? [] : [`after ${formatDuration(ageMsMax)}`]),
    ...(requestsMax === 0 ? [] : [`after ${requestsMax} requests`]),
  ]
  return parts.length === 0 ? "only when it is closed" : parts.join(" or ")
}

/** The first column to the left, the others to the right; texts in the last one to the left again. */
function columns(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = head.length === 0 ? rows : [head, ...rows]
  const isTable = head.length > 0
  const widths = (all[0] ?? []).map((_, index) =>
    Math.max(...all.map((row) => (row[index] ?? "").length)),
  )
  return all.map((row) =>
    row
      .map((text, index) => {
        const isLeft = isTable ? index === 0 : index > 0
        return isLeft ? text.padEnd(widths[index]!) : text.padStart(widths[index]!)
      })
      .join("  ")
      .trimEnd(),
  )
}
