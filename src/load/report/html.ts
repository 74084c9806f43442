/**
 * A run as one HTML file: everything is in it, so that it opens from a disk, from a mail or from a
 * build's artifacts, years from now. It asks for nothing, from nobody. Its text and tables need no
 * script; the charts are those of the live page, and need the script that is in the file.
 *
 * What targets sent is in it too (paths, errors, bodies). It is escaped wherever it stands, and the
 * file's own policy runs no script but ours, so that a hostile answer can't come to life in it.
 */
import { createHash } from "node:crypto"
import { loadCourse, targetCourse } from "../books/course.ts"
import { formatDuration } from "../pace/duration.ts"
import type { Result } from "../result.ts"
import type { Comparison } from "./compare.ts"
import { comparisonSection } from "./compare-section.ts"
import { conditions } from "./conditions.ts"
import { distributionOf } from "./distribution.ts"
import { moment } from "./figures.ts"
import { html, jsonMarkup, type Markup, trusted } from "./markup.ts"
import { pageParts } from "./page-parts.ts"
import * as sections from "./sections.ts"
import type { Buckets } from "./stored.ts"

export interface HtmlContext {
  /** How it was run, for who wants to run it again. */
  readonly command?: string | undefined
  readonly comparison?: Comparison | undefined
}

export async function htmlReport(result: Result, context: HtmlContext = {}): Promise<string> {
  const [{ script, style, icon }, machine] = await Promise.all([pageParts(), conditions()])
  const policy = `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-${createHash("sha256").update(script).digest("base64")}'; base-uri 'none'; form-action 'none'`
  const document = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="content-security-policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="Capstan">
<title>${result.scenario} at ${result.target}: load report</title>
<link rel="icon" href="data:image/svg+xml;base64,${Buffer.from(icon).toString("base64")}">
<style>${trusted(style)}</style>
</head>
<body>
${header(result, icon)}
<main>
${body(result, context, machine)}
</main>
<script type="application/json" id="data">${jsonMarkup(drawn(result, context))}</script>
<script>${trusted(script)}</script>
</body>
</html>
`
  return document.text
}

function header(result: Result, icon: string): Markup {
  const { kind, text } = sections.verdict(result)
  const startedMs = Date.parse(result.startedAt)
  return html`<header class="report-head">
<div class="brand"><span class="icon" aria-hidden="true">${trusted(icon)}</span><span>Capstan <b>load report</b></span>
<button id="theme" type="button" class="quiet" hidden></button></div>
<h1>${result.scenario} <span>at</span> ${result.target}</h1>
<p class="facts-line"><span class="verdict ${kind}">${text}</span>
<span>${result.offered}</span> <span>${formatDuration(result.durationMs)}, ${result.ended}</span>
<time datetime="${result.startedAt}">${moment(startedMs)}</time></p>
</header>`
}

function body(
  result: Result,
  context: HtmlContext,
  machine: Readonly<Record<string, string>>,
): Markup {
  const { comparison, command } = context
  // One point is no line.
  const isCourse = result.history.length > 1
  return html`${result.generator.limit !== null && html`<p class="note warn">${result.generator.limit}</p>`}
${sections.summary(result)}
${sections.thresholds(result)}
${comparison !== undefined && comparisonSection(comparison)}
${isCourse && sections.section("course", "Over time", withoutScript, charts("load"))}
${isCourse && isTargetKnown(result) && sections.section("target", "The target", charts("target"), sections.decisions(result))}
${result.total.requests > 1 && sections.section("distribution", "Distribution of the latency", charts("distribution"))}
${sections.statistics(result)}
${sections.phases(result)}
${sections.failures(result)}
${sections.exceptions(result)}
${sections.generator(result)}
${sections.section("conditions", "Conditions", ...notes(result), sections.conditionsTable(facts(result, machine, command)))}`
}

const withoutScript = html`<noscript><p class="note">The charts are drawn by a script, which is off. The tables are all here.</p></noscript>`

/** The script draws them there. */
function charts(name: "load" | "target" | "distribution"): Markup {
  return html`<div class="charts" data-charts="${name}"></div>`
}

function notes(result: Result): (Markup | false)[] {
  return [
    html`<p>${
      result.model === "open"
        ? "Open model: requests are sent when they are due, whether or not earlier ones were answered. Latency counts from when a request was due, so that what waited behind a slow answer is charged with its wait."
        : "Closed model: users wait for their answers before they send again, so an outage holds them back and shows in few requests. Latency counts from when a request was sent."
    }</p>`,
    result.notes.length > 0 &&
      html`<ul class="notes">${result.notes.map((note) => html`<li>${note}</li>`)}</ul>`,
  ]
}

function facts(
  result: Result,
  machine: Readonly<Record<string, string>>,
  command: string | undefined,
): Record<string, string | Markup> {
  return {
    Target: result.target,
    Scenario: result.scenario,
    Load: result.offered,
    Started: moment(Date.parse(result.startedAt)),
    "Sent for": `${formatDuration(result.durationMs)} (${result.ended})`,
    ...machine,
    ...(command === undefined ? {} : { Command: html`<code>${command}</code>` }),
  }
}

function isTargetKnown({ history, decisions }: Result): boolean {
  return decisions.length > 0 || history.some(({ target }) => target !== null)
}

/** What the charts are of: see web/report/main.js. */
export interface Drawn {
  readonly isOpen: boolean
  readonly startedAtMs: number
  readonly endedAtMs: number
  readonly load: ReturnType<typeof loadCourse>
  readonly target: ReturnType<typeof targetCourse> | null
  /** How late requests were sent; null in the closed model. */
  readonly lag: {
    readonly timeMs: readonly number[]
    readonly columns: { readonly lagP99: readonly number[] }
  } | null
  readonly decisions: readonly {
    readonly atMs: number
    readonly from: number
    readonly to: number
  }[]
  readonly distributions: readonly DrawnDistributions[]
}

type DrawnDistributions = {
  readonly name: string
  readonly lines: readonly (ReturnType<typeof distributionOf> & {
    readonly label: "latency" | "service time" | "earlier"
  })[]
}

function drawn(result: Result, { comparison }: HtmlContext): Drawn {
  const { history, model, decisions } = result
  const startedAtMs = Date.parse(result.startedAt)
  const isOpen = model === "open"
  const load = loadCourse(history, startedAtMs)
  const points = history.map(({ elapsedMs, target }) => ({
    timeMs: Math.round(startedAtMs + elapsedMs),
    figures: target,
  }))
  return {
    isOpen,
    startedAtMs,
    endedAtMs: startedAtMs + Math.round(result.durationMs),
    load,
    target: isTargetKnown(result) ? targetCourse(points) : null,
    lag: isOpen
      ? { timeMs: load.timeMs, columns: { lagP99: history.map(({ lagP99Ms }) => lagP99Ms) } }
      : null,
    decisions: decisions.map(({ atMs, from, to }) => ({ atMs, from, to })),
    distributions: distributions(result, comparison),
  }
}

function distributions(
  { total, rows, model }: Result,
  comparison: Comparison | undefined,
): readonly DrawnDistributions[] {
  const earlier = comparison?.earlier
  // A single name is the same as all.
  return [total, ...(rows.length > 1 ? rows : [])]
    .filter(({ requests }) => requests > 0)
    .map((row) => {
      const other =
        row === total
          ? earlier?.total
          : earlier?.rows.find(({ method, name }) => method === row.method && name === row.name)
      const line = (label: DrawnDistributions["lines"][number]["label"], buckets: Buckets) => ({
        label,
        ...distributionOf(buckets),
      })
      return {
        name: row === total ? "All" : `${row.method} ${row.name}`.trim(),
        lines: [
          line("latency", row.latencyHistogram.toJSON()),
          ...(model === "open" ? [line("service time", row.serviceHistogram.toJSON())] : []),
          ...(other === undefined || other.requests === 0
            ? []
            : [line("earlier", other.latencyHistogram)]),
        ],
      }
    })
}
