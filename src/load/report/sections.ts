/** The parts of the HTML report that are text and tables: all of it that needs no script. */

import { type Latency, percents } from "../books/stats.ts"
import { formatDuration } from "../pace/duration.ts"
import type { Result, ResultRow, Timed } from "../result.ts"
import { bytes, count, moment, percent, rate, time } from "./figures.ts"
import { html, type Markup } from "./markup.ts"

/** A column of a table; `text` is to the left and may be broken. */
export interface Column<Of> {
  readonly head: string
  readonly cell: (of: Of) => string | number | Markup
  readonly kind?: "text" | "bad" | undefined
}

export function table<Of>(
  label: string,
  columns: readonly Column<Of>[],
  rows: readonly Of[],
  isTotal: (row: Of) => boolean = () => false,
): Markup {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${label}"><table>
<thead><tr>${columns.map(({ head, kind }) => html`<th scope="col"${kind === "text" && html` class="text"`}>${head}</th>`)}</tr></thead>
<tbody>${rows.map(
    (row) =>
      html`<tr${isTotal(row) && html` class="total"`}>${columns.map(
        ({ cell, kind }) =>
          html`<td${kind !== undefined && html` class="${kind}"`}>${cell(row)}</td>`,
      )}</tr>
`,
  )}</tbody>
</table></div>`
}

export function section(
  id: string,
  title: string,
  ...content: readonly (Markup | false)[]
): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${content}
</section>
`
}

/** What came of it, in a word or two. */
export function verdict({ thresholds, generator, total, exceptions }: Result): {
  readonly kind: "good" | "bad" | "warn"
  readonly text: string
} {
  const crossed = thresholds.filter(({ kept }) => !kept).length
  if (crossed > 0) {
    const text =
      thresholds.length === 1
        ? "the threshold was crossed"
        : `${crossed} of ${thresholds.length} thresholds crossed`
    return { kind: "bad", text }
  }
  if (generator.limit !== null) return { kind: "warn", text: "limited by the generator" }
  if (total.requests === 0) return { kind: "bad", text: "nothing was sent" }
  if (thresholds.length > 0) {
    return {
      kind: "good",
      text: thresholds.length === 1 ? "the threshold was kept" : "all thresholds kept",
    }
  }
  if (exceptions.length > 0) return { kind: "warn", text: "the scenario threw" }
  if (total.failures === 0) return { kind: "good", text: "no request failed" }
  return { kind: "warn", text: `${percent(total.failures / total.requests)} failed` }
}

export function summary(result: Result): Markup {
  const { total, model, durationMs } = result
  if (total.requests === 0)
    return html`<p class="lead">Nothing was sent in ${formatDuration(durationMs)}.</p>`
  const { percentilesMs, maxMs } = total.latency
  const kpis = [
    ["Requests", count(total.requests), `${rate(total.requestsPerS)} a second`],
    ["Failed", percent(total.failures / total.requests), `${count(total.failures)} requests`],
    ["Median", time(percentilesMs[50]), "half took no longer"],
    ["p95", time(percentilesMs[95]), "one in 20 took longer"],
    ["p99", time(percentilesMs[99]), "one in 100 took longer"],
    ["Slowest", time(maxMs), model === "open" ? "from when it was due" : "from sending"],
  ] as const
  return html`<dl class="kpis">${kpis.map(
    ([name, value, more]) =>
      html`<div${name === "Failed" && total.failures > 0 && html` class="bad"`}><dt>${name}</dt><dd><b>${value}</b><small>${more}</small></dd></div>`,
  )}</dl>`
}

export function thresholds({ thresholds: all }: Result): Markup | false {
  if (all.length === 0) return false
  return section(
    "thresholds",
    "Thresholds",
    html`<ul class="verdicts">${all.map(
      ({ threshold, measured, kept }) =>
        html`<li class="${kept ? "good" : "bad"}"><b>${kept ? "kept" : "crossed"}</b> <code>${threshold}</code> <span>measured ${measured}</span></li>`,
    )}</ul>`,
  )
}

export function statistics(result: Result): Markup {
  const { rows, total, model } = result
  const all = [...rows, total]
  const isTotal = (row: ResultRow): boolean => row === total
  const columns: readonly Column<ResultRow>[] = [
    nameColumn,
    { head: "Requests", cell: ({ requests }) => count(requests) },
    { head: "Failed", cell: ({ failures }) => count(failures) },
    {
      head: "%",
      cell: ({ failures, requests }) =>
        failures === 0 ? "" : percent(failures / Math.max(1, requests)),
      kind: "bad",
    },
    { head: "Req/s", cell: ({ requestsPerS }) => rate(requestsPerS) },
    { head: "Mean", cell: ({ latency }) => time(latency.meanMs) },
    { head: "Min", cell: ({ latency }) => time(latency.minMs) },
    { head: "p50", cell: ({ latency }) => time(latency.percentilesMs[50]) },
    { head: "p95", cell: ({ latency }) => time(latency.percentilesMs[95]) },
    { head: "p99", cell: ({ latency }) => time(latency.percentilesMs[99]) },
    { head: "Max", cell: ({ latency }) => time(latency.maxMs) },
    { head: "Size", cell: ({ meanBytes }) => bytes(meanBytes) },
  ]
  return section(
    "statistics",
    "Statistics",
    table("Statistics by name", columns, all, isTotal),
    percentilesTable(
      model === "open" ? "Percentiles of the latency, from when a request was due" : "Percentiles",
      all,
      ({ latency }) => latency,
      isTotal,
    ),
    model === "open" &&
      percentilesTable(
        "Percentiles of the service time, from when a request was really sent",
        all,
        ({ service }) => service,
        isTotal,
      ),
  )
}

const nameColumn: Column<{ readonly method: string; readonly name: string }> = {
  head: "Name",
  kind: "text",
  cell: ({ method, name }) => html`<span class="verb">${method}</span> ${name}`,
}

function percentilesTable(
  title: string,
  rows: readonly ResultRow[],
  of: (row: ResultRow) => Latency,
  isTotal: (row: ResultRow) => boolean,
): Markup {
  const columns = percents.map(
    (one): Column<ResultRow> => ({
      head: `${one}%`,
      cell: (row) => (row.requests === 0 ? "–" : time(of(row).percentilesMs[one])),
    }),
  )
  return html`<h3>${title}</h3>${table(title, [nameColumn, ...columns], rows, isTotal)}`
}

export function phases({ phases: all }: Result): Markup | false {
  const parts = [
    ["Connecting", "by connection: DNS, and the way there and back", all.connect],
    ["TLS", "by connection: encrypting it and checking who is there", all.tls],
    ["First byte", "by answer: from sending to its first byte", all.firstByte],
    ["Body", "by answer: from its first byte to its last", all.body],
  ] as const
  const timed = parts.filter(([, , { count: times }]) => times > 0)
  if (timed.length === 0) return false
  type Part = (typeof parts)[number]
  const columns: readonly Column<Part>[] = [
    {
      head: "Part",
      kind: "text",
      cell: ([name, what]) => html`<b>${name}</b> <small>${what}</small>`,
    },
    { head: "Times", cell: ([, , timed]) => count(timed.count) },
    ...([50, 95, 99] as const).map(
      (one): Column<Part> => ({
        head: `p${one}`,
        cell: ([, , { percentilesMs }]) => time(percentilesMs[one]),
      }),
    ),
    { head: "Max", cell: ([, , { maxMs }]: readonly [string, string, Timed]) => time(maxMs) },
  ]
  return section("phases", "Where the time went", table("Where the time went", columns, timed))
}

export function failures({ failures: kinds, total }: Result): Markup {
  if (kinds.length === 0) {
    return section("failures", "Failures", html`<p class="empty">No request failed.</p>`)
  }
  const columns: readonly Column<(typeof kinds)[number]>[] = [
    { head: "Times", cell: ({ occurrences }) => count(occurrences) },
    {
      head: "Share",
      cell: ({ occurrences }) => percent(occurrences / Math.max(1, total.requests)),
    },
    nameColumn,
    {
      head: "What went wrong",
      kind: "text",
      cell: ({ error, example }) => withExample(error, example),
    },
    { head: "First seen", cell: ({ firstSeenMs }) => clock(firstSeenMs) },
    { head: "Last seen", cell: ({ lastSeenMs }) => clock(lastSeenMs) },
  ]
  return section("failures", "Failures", table("Failures by kind", columns, kinds))
}

export function exceptions({ exceptions: kinds }: Result): Markup | false {
  if (kinds.length === 0) return false
  const columns: readonly Column<(typeof kinds)[number]>[] = [
    { head: "Times", cell: ({ occurrences }) => count(occurrences) },
    { head: "Task", kind: "text", cell: ({ task }) => task },
    { head: "Exception", kind: "text", cell: ({ message, stack }) => withExample(message, stack) },
    { head: "First seen", cell: ({ firstSeenMs }) => clock(firstSeenMs) },
    { head: "Last seen", cell: ({ lastSeenMs }) => clock(lastSeenMs) },
  ]
  return section("exceptions", "Exceptions of the scenario", table("Exceptions", columns, kinds))
}

export function decisions({ decisions: all }: Result): Markup | false {
  if (all.length === 0) return false
  const columns: readonly Column<(typeof all)[number]>[] = [
    { head: "When", kind: "text", cell: ({ atMs }) => clock(atMs) },
    { head: "Replicas", cell: ({ from, to }) => `${from} → ${to}` },
    { head: "Why", kind: "text", cell: ({ reasons }) => reasons.join("; ") },
  ]
  return html`<h3>Decisions of the autoscaler</h3>${table("Decisions of the autoscaler", columns, all)}`
}

export function generator(result: Result): Markup {
  const { generator: all, threads, connections, model } = result
  const columns: readonly Column<(typeof threads)[number]>[] = [
    { head: "Thread", kind: "text", cell: ({ number }) => `Thread ${number}` },
    { head: "Requests", cell: ({ requests }) => count(requests) },
    { head: "CPU, mean", cell: ({ cpuShareMean }) => percent(cpuShareMean) },
    { head: "Event loop late, at most", cell: ({ loopDelayMsMax }) => time(loopDelayMsMax) },
    ...(model === "closed"
      ? []
      : [
          {
            head: "Sent late, p99",
            cell: ({ lagP99Ms }: (typeof threads)[number]) => time(lagP99Ms),
          },
        ]),
  ]
  const health =
    all.limit ??
    `The generator kept up: ${percent(all.cpuShareMean)} of its CPU on average, short of CPU in ${all.busySeconds} and late in ${all.lateSeconds} of ${all.seconds} s.`
  const lag =
    model === "open" &&
    html`<p>Requests were sent ${time(all.lagMs.p50)} late at p50, ${time(all.lagMs.p99)} at p99, ${time(all.lagMs.max)} at most. That is part of the latency.</p>`
  return section(
    "generator",
    "The generator itself",
    html`<p class="${all.limit === null ? "" : "note warn"}">${health}</p>`,
    html`${lag}`,
    html`<div class="charts" data-charts="generator"></div>`,
    table("Threads of the generator", columns, threads),
    html`<p>${connectionsText(connections)}</p>`,
  )
}

function connectionsText({ opened, resent, ageMsMax, requestsMax }: Result["connections"]): string {
  const bounds = [
    ...(ageMsMax === 0 ? [] : [`after ${formatDuration(ageMsMax)}`]),
    ...(requestsMax === 0 ? [] : [`after ${requestsMax} requests`]),
  ]
  const replaced =
    bounds.length === 0
      ? "never replaced while they are good"
      : `replaced ${bounds.join(" or ")}, give or take a fifth`
  const again =
    resent === 0
      ? ""
      : ` ${count(resent)} requests were sent again, because theirs was closed under them.`
  return `${count(opened)} connections were opened; they are ${replaced}.${again}`
}

export function conditionsTable(facts: Readonly<Record<string, string | Markup>>): Markup {
  return html`<dl class="facts">${Object.entries(facts).map(
    ([name, fact]) => html`<div><dt>${name}</dt><dd>${fact}</dd></div>`,
  )}</dl>`
}

/** One line, and the rest of it on demand; printed, all of it. */
function withExample(text: string, example: string): string | Markup {
  const more = example.trim()
  if (more === "" || more === text) return text
  return html`<details><summary>${text}</summary><pre>${more}</pre></details>`
}

function clock(ms: number): Markup {
  return html`<time datetime="${new Date(ms).toISOString()}" title="${moment(ms)}">${moment(ms).slice(11, 19)}</time>`
}
