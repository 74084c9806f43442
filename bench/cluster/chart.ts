/**
 * Timelines as a picture: replicas that are ready, and below them p95 on a scale of powers of ten,
 * which goes from milliseconds to ten seconds. One file with nothing to load, which follows the
 * reader's light or dark as far as whoever shows it lets it.
 */
import type { Moment, Timeline } from "./timeline.ts"

const width = 860
const margin = { left: 64, right: 16 } as const
const plotWidth = width - margin.left - margin.right
const legendHeight = 28
const panelHeight = 170
const titleHeight = 26
const gap = 18
const axisHeight = 30

/** In the order of the timelines: both stacks with a limit, both without one, and one more. */
const lines = [
  { colour: "#d1495b", dash: "" },
  { colour: "#2a7fba", dash: "" },
  { colour: "#d1495b", dash: "6 3" },
  { colour: "#2a7fba", dash: "6 3" },
  { colour: "#3a9d6e", dash: "" },
] as const

interface Panel {
  readonly title: string
  readonly value: (moment: Moment) => number | null
  /** From 0 at the bottom to 1 at the top. */
  readonly scale: (value: number) => number
  readonly ticks: readonly (readonly [value: number, label: string])[]
  /** Replicas change from one moment to the next, latencies do not. */
  readonly stepped: boolean
}

/** @param objectiveMs drawn as a line across the latencies. */
export function chart(
  title: string,
  timelines: readonly Timeline[],
  { replicasMax, objectiveMs }: { readonly replicasMax: number; readonly objectiveMs: number },
): string {
  const endS = Math.max(...timelines.flatMap(({ moments }) => moments.map(({ atS }) => atS)))
  const x = (atS: number): number => margin.left + (atS / endS) * plotWidth
  const panels: readonly Panel[] = [
    {
      title: "replicas ready",
      value: ({ ready }) => ready,
      scale: (value) => value / (replicasMax + 0.5),
      ticks: [0, replicasMax / 2, replicasMax].map((value) => [value, `${value}`] as const),
      stepped: true,
    },
    {
      title: "p95 of five seconds",
      value: ({ p95Ms }) => p95Ms,
      scale: decades(10, 20_000),
      ticks: [
        [10, "10 ms"],
        [100, "100 ms"],
        [1000, "1 s"],
        [10_000, "10 s"],
      ],
      stepped: false,
    },
  ]
  const rows = Math.ceil(timelines.length / 2)
  const panelsTop = 8 + rows * legendHeight
  const parts = timelines.map(({ title: name }, i) => legend(name, i))
  panels.forEach((panel, index) => {
    const top = panelsTop + index * (titleHeight + panelHeight + gap) + titleHeight
    const y = (value: number): number =>
      top + panelHeight * (1 - Math.min(1, Math.max(0, panel.scale(value))))
    parts.push(`<text class="title" x="${margin.left}" y="${top - 9}">${panel.title}</text>`)
    for (const [value, label] of panel.ticks) {
      parts.push(
        `<path class="grid" d="M${margin.left} ${round(y(value))}h${plotWidth}"/>`,
        `<text class="tick" x="${margin.left - 8}" y="${round(y(value) + 4)}" text-anchor="end">${label}</text>`,
      )
    }
    if (!panel.stepped) {
      parts.push(
        `<path class="objective" d="M${margin.left} ${round(y(objectiveMs))}h${plotWidth}"/>`,
      )
    }
    timelines.forEach(({ moments }, i) => {
      parts.push(`<path class="line" ${stroke(i)} d="${path(moments, panel, x, y)}"/>`)
    })
  })
  const bottom = panelsTop + panels.length * (titleHeight + panelHeight + gap) - gap
  for (let atS = 0; atS <= endS; atS += 30) {
    const label = atS === 0 ? "first client" : `${atS} s`
    const anchor = atS === 0 ? "start" : "middle"
    parts.push(
      `<text class="tick" x="${round(x(atS))}" y="${bottom + 20}" text-anchor="${anchor}">${label}</text>`,
    )
  }
  const height = bottom + axisHeight
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<title>${title}</title>
<style>
svg { background: #fff; font: 13px system-ui, sans-serif }
text { fill: #222 }
.title { font-weight: 600 }
.tick { fill: #666; font-size: 12px }
.grid { stroke: #e4e4e4; fill: none }
.objective { stroke: #888; stroke-dasharray: 3 4; fill: none }
.line { fill: none; stroke-width: 2; stroke-linejoin: round }
@media (prefers-color-scheme: dark) {
svg { background: #161b22 }
text { fill: #e6e6e6 }
.tick { fill: #9aa4ae }
.grid { stroke: #30363d }
}
</style>
${parts.join("\n")}
</svg>
`
}

function legend(title: string, i: number): string {
  const x = margin.left + (i % 2) * (plotWidth / 2)
  const y = 8 + Math.floor(i / 2) * legendHeight + 14
  return `<path class="line" ${stroke(i)} d="M${x} ${y}h26"/><text x="${x + 34}" y="${y + 4}">${title}</text>`
}

function stroke(i: number): string {
  const { colour, dash } = lines[i % lines.length]!
  return `stroke="${colour}"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}`
}

/** Where there is no value, the line is broken. */
function path(
  moments: readonly Moment[],
  { value, stepped }: Panel,
  x: (atS: number) => number,
  y: (value: number) => number,
): string {
  let isOpen = false
  const parts = moments.map((moment) => {
    const is = value(moment)
    if (is === null) {
      isOpen = false
      return ""
    }
    const [across, down] = [round(x(moment.atS)), round(y(is))]
    const part = isOpen
      ? stepped
        ? `H${across}V${down}`
        : `L${across} ${down}`
      : `M${across} ${down}`
    isOpen = true
    return part
  })
  return parts.join("")
}

/** The logarithm of a value between two others. */
function decades(low: number, high: number): (value: number) => number {
  return (value) => Math.log(Math.max(value, low) / low) / Math.log(high / low)
}

function round(value: number): string {
  return `${Math.round(value * 10) / 10}`
}
