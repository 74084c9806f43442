/**
 * Charts over one time axis. Cursor and zoom are common to all of them: dragging zooms, a double
 * click or the button shows everything again. Only what is visible is drawn.
 */

import { clock, count, rate, short, shortTime, time } from "./format.js"
import { colour } from "./theme.js"
import uPlot from "./uplot.js"

/** @import { Point } from "../src/load/history.ts" */

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {string} colour
 * @property {(point: Point) => number | null} value
 * @property {boolean} [isDashed]
 * @property {boolean} [isFilled]
 */
/**
 * @typedef {object} Picture
 * @property {string} title
 * @property {string} unit
 * @property {(value: number) => string} format
 * @property {(value: number) => string} tick On the axis, where round numbers stand.
 * @property {boolean} [isWhole] Counts things: no tick between whole numbers.
 * @property {readonly Line[]} lines
 */

/** @param {50 | 95 | 99} percent @returns {(point: Point) => number | null} */
const percentile = (percent) => (point) => point.percentilesMs?.[percent] ?? null

/** @param {boolean} isOpen @returns {readonly Picture[]} */
export function loadPictures(isOpen) {
  const offered = /** @type {Line} */ ({
    label: "asked for",
    colour: "--c-offered",
    value: (point) => point.offered,
    isDashed: true,
  })
  return [
    {
      title: "Throughput",
      unit: "requests/s",
      format: rate,
      tick: short,
      lines: [
        ...(isOpen ? [offered] : []),
        {
          label: "requests",
          colour: "--c-requests",
          value: (point) => point.requestsPerS,
          isFilled: true,
        },
        { label: "failures", colour: "--c-failures", value: (point) => point.failuresPerS },
      ],
    },
    {
      title: "Response time",
      unit: isOpen ? "from when it was due" : "from sending",
      format: time,
      tick: shortTime,
      lines: [
        { label: "p99", colour: "--c-p99", value: percentile(99) },
        { label: "p95", colour: "--c-p95", value: percentile(95) },
        { label: "p50", colour: "--c-p50", value: percentile(50) },
      ],
    },
    {
      title: isOpen ? "Waiting for answers" : "Users",
      unit: isOpen ? "requests" : "",
      format: count,
      tick: short,
      isWhole: true,
      lines: [
        ...(isOpen ? [] : [offered]),
        {
          label: isOpen ? "waiting" : "users",
          colour: "--c-users",
          value: (point) => point.users,
          isFilled: true,
        },
      ],
    },
  ]
}

/** @type {readonly Picture[]} */
export const targetPictures = [
  {
    title: "Cores",
    unit: "asked for and there",
    format: rate,
    tick: short,
    lines: [
      {
        label: "workers",
        colour: "--c-offered",
        value: ({ target }) => target?.workers ?? null,
        isDashed: true,
      },
      {
        label: "demand",
        colour: "--c-p95",
        value: ({ target }) => target?.demandCores ?? null,
      },
      {
        label: "busy",
        colour: "--c-requests",
        value: ({ target }) => target?.busy ?? null,
        isFilled: true,
      },
    ],
  },
  {
    title: "Queue",
    unit: "requests that wait for a worker",
    format: count,
    tick: short,
    isWhole: true,
    lines: [
      {
        label: "queued",
        colour: "--c-p99",
        value: ({ target }) => target?.queued ?? null,
        isFilled: true,
      },
    ],
  },
  {
    title: "Replicas",
    unit: "",
    format: count,
    tick: short,
    isWhole: true,
    lines: [
      { label: "replicas", colour: "--c-users", value: ({ target }) => target?.replicas ?? null },
    ],
  },
]

const wholeSteps = [1, 10, 100, 1000].flatMap((ten) => [ten, 2 * ten, 5 * ten])

/** @type {Set<Chart>} */
const charts = new Set()
/** @type {{ min: number, max: number } | undefined} */
let zoom

export class Chart {
  /** @type {Picture} */
  #picture
  /** @type {uPlot | undefined} */
  #plot
  /** @type {uPlot.AlignedData} */
  #data = [[]]
  #place = document.createElement("div")
  /** @type {HTMLElement[]} */
  #values = []
  #resizing = new ResizeObserver(() => this.#fit())

  /** @param {HTMLElement} parent @param {Picture} picture */
  constructor(parent, picture) {
    this.#picture = picture
    const figure = document.createElement("figure")
    figure.className = "chart"
    const caption = document.createElement("figcaption")
    const title = document.createElement("h2")
    const unit = document.createElement("small")
    unit.textContent = picture.unit
    title.append(picture.title, " ", unit)
    caption.append(title, this.#legend())
    figure.append(caption, this.#place)
    parent.append(figure)
    charts.add(this)
    this.#resizing.observe(this.#place)
  }

  /** @param {readonly Point[]} points */
  show(points) {
    this.#data = /** @type {uPlot.AlignedData} */ ([
      points.map(({ elapsedMs }) => elapsedMs / 1000),
      ...this.#picture.lines.map(({ value }) => points.map(value)),
    ])
    this.draw()
  }

  draw() {
    if (this.#place.clientWidth === 0) return
    this.#plot ??= this.#make()
    this.#plot.setData(this.#data, zoom === undefined)
    if (zoom !== undefined) this.#plot.setScale("x", zoom)
    this.#tell(this.#plot.cursor.idx ?? null)
  }

  /** In other colours. */
  repaint() {
    this.#plot?.redraw(false, true)
  }

  remove() {
    charts.delete(this)
    this.#resizing.disconnect()
    this.#plot?.destroy()
  }

  /** Values in the legend: at the cursor, or the latest. @param {number | null} index */
  #tell(index) {
    for (const [line, element] of this.#values.entries()) {
      const column = this.#data[line + 1] ?? []
      const value = column[index ?? column.length - 1]
      element.textContent = value == null ? "–" : this.#picture.format(value)
    }
  }

  #legend() {
    const legend = document.createElement("div")
    legend.className = "legend"
    for (const [index, line] of this.#picture.lines.entries()) {
      const button = document.createElement("button")
      button.type = "button"
      button.setAttribute("aria-pressed", "true")
      button.style.setProperty("--c", `var(${line.colour})`)
      const value = document.createElement("b")
      button.append(`${line.label} `, value)
      button.addEventListener("click", () => {
        const isShown = button.getAttribute("aria-pressed") === "true"
        button.setAttribute("aria-pressed", String(!isShown))
        this.#plot?.setSeries(index + 1, { show: !isShown })
      })
      this.#values.push(value)
      legend.append(button)
    }
    return legend
  }

  #make() {
    const { tick, isWhole, lines } = this.#picture
    /** @type {uPlot.Axis} */
    const axis = {
      stroke: () => colour("--muted"),
      grid: { stroke: () => colour("--line"), width: 1 },
      ticks: { show: false },
      font: "12px system-ui, sans-serif",
    }
    return new uPlot(
      {
        width: this.#place.clientWidth,
        height: 230,
        padding: [10, 14, 0, 0],
        legend: { show: false },
        cursor: {
          sync: { key: "load" },
          drag: { x: true, y: false, setScale: false },
          points: { size: 7 },
          bind: {
            dblclick: () => () => {
              setZoom(undefined)
              return null
            },
          },
        },
        scales: {
          x: { time: false },
          y: { range: (_plot, _min, max) => [0, Math.max(max, isWhole ? 1 : 1e-3) * 1.12] },
        },
        axes: [
          {
            ...axis,
            size: 28,
            incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200],
            values: (_plot, values) => values.map(clock),
            grid: { show: false },
          },
          {
            ...axis,
            size: 58,
            values: (_plot, values) => values.map(tick),
            ...(isWhole ? { incrs: wholeSteps } : {}),
          },
        ],
        series: [
          {},
          ...lines.map((line) => ({
            label: line.label,
            width: line.isDashed ? 1.5 : 2,
            stroke: () => colour(line.colour),
            spanGaps: false,
            points: { show: false },
            ...(line.isDashed ? { dash: [5, 5] } : {}),
            ...(line.isFilled ? { fill: () => `${colour(line.colour)}22` } : {}),
          })),
        ],
        hooks: {
          setCursor: [(plot) => this.#tell(plot.cursor.idx ?? null)],
          setSelect: [
            (plot) => {
              const { left, width } = plot.select
              if (width < 4) return
              setZoom({ min: plot.posToVal(left, "x"), max: plot.posToVal(left + width, "x") })
              plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
            },
          ],
        },
      },
      this.#data,
      this.#place,
    )
  }

  #fit() {
    const width = this.#place.clientWidth
    if (width === 0) return
    if (this.#plot === undefined) this.draw()
    else this.#plot.setSize({ width, height: 230 })
  }
}

/** Colours have changed. */
export function repaintCharts() {
  for (const chart of charts) chart.repaint()
}

/** @type {(isZoomed: boolean) => void} */
let zoomChanged = () => {}

/** @param {(isZoomed: boolean) => void} listener */
export function onZoom(listener) {
  zoomChanged = listener
}

/** @param {{ min: number, max: number } | undefined} wanted */
export function setZoom(wanted) {
  zoom = wanted
  for (const chart of charts) chart.draw()
  zoomChanged(zoom !== undefined)
}
