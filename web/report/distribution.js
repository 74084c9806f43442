/**
 * How latencies are distributed, of all requests or of one name: how many took how long, and how
 * long the slowest part took. Both on logarithmic axes, because the tail is what matters and is
 * never to be seen on others.
 */
import { axisStyle } from "../charts/plot.js"
import { make, say } from "../dom.js"
import { percent, shortPercent, shortTime, time } from "../format.js"
import { colour } from "../theme.js"
import uPlot from "../uplot.js"

/** @import { Drawn } from "../../src/load/report/html.ts" */
/** @typedef {Drawn["distributions"][number]} Distributions */
/** @typedef {Distributions["lines"][number]} Line */

/** @type {Record<Line["label"], string>} */
const colours = { latency: "--c-requests", "service time": "--c-p95", earlier: "--c-offered" }
/** One in so many, as it is said. @type {readonly [oneIn: number, text: string][]} */
const parts = [
  [2, "50%"],
  [10, "90%"],
  [100, "99%"],
  [1000, "99.9%"],
  [1e4, "99.99%"],
  [1e5, "99.999%"],
  [1e6, "99.9999%"],
]

export class DistributionCharts {
  #distributions
  #select = make("select", {})
  /** @type {LogChart[]} */
  #charts

  /** @param {HTMLElement} parent @param {Drawn["distributions"]} distributions */
  constructor(parent, distributions) {
    this.#distributions = distributions
    this.#charts = [new LogChart(parent, share), new LogChart(parent, tail)]
    for (const { name } of distributions) this.#select.append(make("option", {}, name))
    const label = make("label", { class: "which" }, "Of ", this.#select)
    label.hidden = distributions.length < 2
    parent.before(label)
    this.#select.addEventListener("change", () => this.#show())
    this.#show()
  }

  repaint() {
    for (const chart of this.#charts) chart.repaint()
  }

  #show() {
    const chosen = this.#distributions[this.#select.selectedIndex]
    for (const chart of this.#charts) chart.show(chosen?.lines ?? [])
  }
}

/**
 * @typedef {object} Kind
 * @property {string} title
 * @property {string} unit
 * @property {(line: Line) => [x: readonly number[], y: readonly number[]]} points
 * @property {boolean} isStepped
 * @property {(x: number) => string} formatX
 * @property {(y: number) => string} formatY
 * @property {(y: number) => string} tickY On the axis, where round numbers stand.
 * @property {(plot: uPlot) => number[]} [splitsX]
 * @property {boolean} isLogarithmic upwards, as all are to the right
 */

/** @type {Kind} */
const share = {
  title: "How many took how long",
  unit: "share of requests, in steps of 12%",
  points: ({ fromMs, shares }) => [
    // One more, where the last bin ends.
    [...fromMs, (fromMs.at(-1) ?? 1) * 10 ** 0.05],
    [...shares.map((value) => value * 100), 0],
  ],
  isStepped: true,
  formatX: shortTime,
  formatY: percent,
  tickY: shortPercent,
  isLogarithmic: false,
}
/** @type {Kind} */
const tail = {
  title: "How long the slowest took",
  unit: "by percentile",
  points: ({ oneIn, ms }) => [oneIn, ms],
  isStepped: false,
  formatX: percentileText,
  formatY: time,
  tickY: shortTime,
  splitsX: (plot) => parts.map(([oneIn]) => oneIn).filter((at) => at <= (plot.scales.x?.max ?? 1)),
  isLogarithmic: true,
}

class LogChart {
  #kind
  #figure = make("figure", { class: "chart" })
  #legend = make("div", { class: "legend" })
  #place = make("div", { class: "plot" })
  /** @type {uPlot | undefined} */
  #plot
  /** @type {readonly Line[]} */
  #lines = []

  /** @param {HTMLElement} parent @param {Kind} kind */
  constructor(parent, kind) {
    this.#kind = kind
    const title = make("h2", {}, kind.title, " ", make("small", {}, kind.unit))
    this.#figure.append(make("figcaption", {}, title, this.#legend), this.#place)
    parent.append(this.#figure)
    new ResizeObserver(() => this.#fit()).observe(this.#place)
    this.#place.setAttribute("role", "img")
  }

  /** @param {readonly Line[]} lines */
  show(lines) {
    this.#lines = lines
    this.#plot?.destroy()
    this.#plot = undefined
    this.#legend.replaceChildren(
      ...lines.map(({ label }) => {
        const entry = make("span", { class: "entry" }, `${label} `, make("b", {}))
        entry.style.setProperty("--c", `var(${colours[label]})`)
        return entry
      }),
    )
    const { title, formatX, formatY, points } = this.#kind
    const told = lines.map((line) => {
      const [xs, ys] = points(line)
      const most = ys.indexOf(Math.max(...ys))
      return `${line.label}: at most ${formatY(ys[most] ?? 0)}, at ${formatX(xs[most] ?? 0)}`
    })
    this.#place.setAttribute("aria-label", `${title}. ${told.join("; ")}.`)
    this.#fit()
  }

  repaint() {
    this.#plot?.redraw(false, true)
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#place
    if (width === 0 || this.#lines.length === 0) return
    if (this.#plot === undefined) this.#plot = this.#make(width, height)
    else this.#plot.setSize({ width, height })
  }

  /** @param {number} width @param {number} height */
  #make(width, height) {
    const { points, isStepped, formatX, tickY, splitsX, isLogarithmic } = this.#kind
    const tables = this.#lines.map((line) => {
      const [xs, ys] = points(line)
      return /** @type {uPlot.AlignedData} */ ([[...xs], [...ys]])
    })
    const data = tables.length === 1 ? tables[0] : uPlot.join(tables)
    const stepped = uPlot.paths.stepped?.({ align: 1 })
    return new uPlot(
      {
        width,
        height,
        padding: [8, 16, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
        scales: {
          x: { time: false, distr: 3, range: (_plot, min, max) => [min, max] },
          y: isLogarithmic
            ? { distr: 3 }
            : { range: (_plot, _min, max) => [0, Math.max(max, 1e-3) * 1.12] },
        },
        axes: [
          {
            ...axisStyle(),
            size: 26,
            grid: { show: false },
            values: (_plot, values) =>
              values.map((value) => (value === null ? "" : formatX(value))),
            ...(splitsX === undefined
              ? {}
              : { splits: splitsX, filter: (_plot, splits) => splits }),
          },
          {
            ...axisStyle(),
            size: 62,
            values: (_plot, values) => values.map((value) => (value === null ? "" : tickY(value))),
            // Of a logarithmic axis, lines at 1, 10, 100 only: there would be ten times as many.
            ...(isLogarithmic
              ? { grid: { ...axisStyle().grid, filter: (_plot, splits) => splits.map(powerOfTen) } }
              : {}),
          },
        ],
        series: [
          {},
          ...this.#lines.map(({ label }, index) => ({
            label,
            width: label === "earlier" ? 1.5 : 2,
            stroke: () => colour(colours[label]),
            points: { show: false },
            spanGaps: true,
            ...(label === "earlier" ? { dash: [5, 5] } : {}),
            ...(index === 0 && isStepped ? { fill: () => `${colour(colours[label])}22` } : {}),
            ...(isStepped && stepped !== undefined ? { paths: stepped } : {}),
          })),
        ],
        hooks: { setCursor: [(plot) => this.#tell(plot)] },
      },
      data ?? [[]],
      this.#place,
    )
  }

  /** @param {uPlot} plot */
  #tell(plot) {
    const { formatX, formatY } = this.#kind
    const { idx, left } = plot.cursor
    for (const [index, value] of this.#legend.querySelectorAll("b").entries()) {
      const y = idx == null ? null : plot.data[index + 1]?.[idx]
      const isThere = y != null && idx != null && left !== undefined && left >= 0
      say(value, isThere ? `${formatY(y)} at ${formatX(plot.data[0][idx] ?? 0)}` : "")
    }
  }
}

/** @param {number} value @returns {number | null} */
function powerOfTen(value) {
  return Number.isInteger(Number(Math.log10(value).toFixed(6))) ? value : null
}

/** @param {number} oneIn */
function percentileText(oneIn) {
  const known = parts.find(([value]) => value === oneIn)
  return known?.[1] ?? `${Number((100 * (1 - 1 / oneIn)).toPrecision(5))}%`
}
