/**
 * A chart of lines: title, legend with the values at the cursor, plot, and the same as a table. It
 * draws columns (src/load/course.ts) and knows nothing of where they come from.
 */

import { make, say } from "../dom.js"
import { clock } from "../format.js"
import { colour } from "../theme.js"
import uPlot from "../uplot.js"
import { drawMarks, drawSpan } from "./marks.js"
import { Plot } from "./plot.js"
import { dataTable } from "./table.js"

/** @import { Course } from "../../src/load/books/course.ts" */
/** @import { TimeAxis } from "./axis.js" */
/** @import { Mark } from "./marks.js" */

/**
 * @typedef {object} Line
 * @property {string} label
 * @property {string} colour
 * @property {string} column
 * @property {boolean} [isDashed] What is asked for, not what is.
 * @property {boolean} [isFilled]
 * @property {boolean} [isStepped] It jumps, and is never between two values.
 */
/**
 * @typedef {object} Picture
 * @property {string} title
 * @property {string} unit
 * @property {(value: number) => string} format
 * @property {(value: number) => string} tick On the axis, where round numbers stand.
 * @property {boolean} [isWhole] Counts things: no tick between whole numbers.
 * @property {boolean} [isMarked] Changes are written at their marks, not only drawn.
 * @property {boolean} [isRare] Not shown while there was none of it.
 * @property {readonly Line[]} lines
 */
/**
 * @typedef {object} Around What is drawn with the lines.
 * @property {readonly Mark[]} [marks]
 * @property {{ min: number, max: number }} [span] the time of a run, in seconds on the axis
 */

const wholeSteps = [1, 10, 100, 1000, 10_000].flatMap((ten) => [ten, 2 * ten, 5 * ten])
/** Above the highest value, so that a line does not run along the edge; more for marks' names. */
const head = 1.12
const headForNames = 1.32

export class Chart {
  #picture
  #axis
  /** @type {(number | null)[][]} */
  #columns = []
  /** @type {number[]} */
  #seconds = []
  /** @type {Around} */
  #around = {}
  #figure = make("figure", { class: "chart" })
  #place = make("div", { class: "plot" })
  /** @type {{ button: HTMLButtonElement, value: HTMLElement }[]} */
  #legend = []
  #plot
  #table

  /** @param {HTMLElement} parent @param {Picture} picture @param {TimeAxis} axis */
  constructor(parent, picture, axis) {
    this.#picture = picture
    this.#axis = axis
    const title = make("h2", {}, picture.title, " ", make("small", {}, picture.unit))
    const legend = make("div", { class: "legend" })
    for (const line of picture.lines) legend.append(this.#entry(line))
    this.#table = dataTable(picture.title, () => this.#rows())
    this.#figure.append(
      make("figcaption", {}, title, legend, this.#table.button),
      this.#place,
      this.#table.place,
    )
    parent.append(this.#figure)
    this.#plot = new Plot(this.#place, {
      axis,
      series: picture.lines.map((line) => seriesOf(line)),
      valueAxis: {
        values: (_plot, values) => values.map(picture.tick),
        space: (_plot, _axis, _min, _max, height) => (height < 150 ? 22 : 40),
        ...(picture.isWhole ? { incrs: wholeSteps } : {}),
      },
      range: (_plot, _min, max) => [
        0,
        (max > 0 ? Math.max(max, picture.isWhole ? 1 : 0) : 1) *
          (picture.isMarked && this.#around.marks?.length ? headForNames : head),
      ],
      behind: (plot) => drawSpan(plot, this.#around.span),
      drawn: (plot) => drawMarks(plot, this.#around.marks ?? [], picture.isMarked === true),
      pointed: (index) => this.#tell(index),
      words: () =>
        this.#legend
          .filter(({ button }) => !button.hidden)
          .map(({ button }) => button.textContent)
          .join(", "),
    })
  }

  /** @param {Course} course @param {Around} [around] */
  show(course, around = {}) {
    const { lines } = this.#picture
    this.#around = around
    this.#seconds = course.timeMs.map((ms) => this.#axis.secondsOf(ms))
    this.#columns = lines.map(({ column }) => [
      ...(course.columns[column] ?? course.timeMs.map(() => null)),
    ])
    // What nobody tells is not drawn, and not missed.
    const isSeen = (/** @type {number | null} */ value) =>
      value !== null && (value > 0 || this.#picture.isRare !== true)
    const isTold = this.#columns.map((column) => column.some(isSeen))
    for (const [index, { button }] of this.#legend.entries()) button.hidden = !isTold[index]
    this.#figure.hidden = !isTold.includes(true) && course.timeMs.length > 0
    if (this.#figure.hidden) return
    this.#plot.show(/** @type {uPlot.AlignedData} */ ([this.#seconds, ...this.#columns]))
    this.#place.setAttribute("aria-label", this.#inWords())
  }

  /** @param {boolean} isHidden */
  hide(isHidden) {
    this.#figure.hidden = isHidden
  }

  /** In other words. @param {string} unit */
  rename(unit) {
    const small = this.#figure.querySelector("h2 small")
    if (small !== null) say(small, unit)
  }

  remove() {
    this.#plot.remove()
    this.#figure.remove()
  }

  /** Values in the legend: at the cursor, or the latest. @param {number | null} index */
  #tell(index) {
    for (const [line, { value }] of this.#legend.entries()) {
      const column = this.#columns[line] ?? []
      const number = column[index ?? column.length - 1]
      say(value, number == null ? "–" : this.#picture.format(number))
    }
  }

  /** @param {Line} line */
  #entry(line) {
    const value = make("b", {})
    const button = make("button", { type: "button" }, `${line.label} `, value)
    button.setAttribute("aria-pressed", "true")
    button.dataset.dashed = String(line.isDashed === true)
    button.style.setProperty("--c", `var(${line.colour})`)
    const number = this.#legend.push({ button, value })
    button.addEventListener("click", () => {
      const isShown = button.getAttribute("aria-pressed") === "true"
      button.setAttribute("aria-pressed", String(!isShown))
      this.#plot.reveal(number, !isShown)
    })
    return button
  }

  /** The chart for who can't see it: what each line is at, and between what it has been. */
  #inWords() {
    const { title, unit, format, lines } = this.#picture
    const { min, max } = this.#axis.range
    const told = lines.flatMap(({ label }, line) => {
      const seen = (this.#columns[line] ?? []).filter((value, index) => {
        const at = this.#seconds[index] ?? 0
        return value !== null && at >= min && at <= max
      })
      const values = /** @type {number[]} */ (seen)
      const last = values.at(-1)
      if (last === undefined) return []
      let [low, high] = [last, last]
      for (const value of values) {
        low = Math.min(low, value)
        high = Math.max(high, value)
      }
      return [`${label} ${format(last)}, from ${format(low)} to ${format(high)}`]
    })
    const when = `${clock(min)} to ${clock(max)}`
    return `${title}${unit === "" ? "" : `, ${unit}`}, ${when}: ${told.join("; ") || "nothing yet"}.`
  }

  /** Some moments of what is shown, spread evenly. */
  #rows() {
    const { min, max } = this.#axis.range
    const { format, lines } = this.#picture
    const shown = lines
      .map((line, index) => ({ line, column: this.#columns[index] ?? [] }))
      .filter((_, index) => !this.#legend[index]?.button.hidden)
    const within = [...this.#seconds.keys()].filter((index) => {
      const at = this.#seconds[index] ?? 0
      return at >= min && at <= max
    })
    return {
      heads: ["Time", ...shown.map(({ line }) => line.label)],
      rows: within.map((index) => [
        clock(this.#seconds[index] ?? 0),
        ...shown.map(({ column }) => {
          const value = column[index]
          return value == null ? "–" : format(value)
        }),
      ]),
    }
  }
}

/** @param {Line} line @returns {uPlot.Series} */
function seriesOf(line) {
  return {
    label: line.label,
    width: line.isDashed ? 1.5 : 1.75,
    stroke: () => colour(line.colour),
    spanGaps: false,
    points: { show: false },
    ...(line.isStepped
      ? { paths: /** @type {uPlot.Series.PathBuilder} */ (uPlot.paths.stepped?.({ align: 1 })) }
      : {}),
    ...(line.isDashed ? { dash: [5, 5] } : {}),
    ...(line.isFilled ? { fill: (plot) => shaded(plot, colour(line.colour)) } : {}),
  }
}

/** Denser above, where the line is. @param {uPlot} plot @param {string} ink */
function shaded({ ctx, bbox }, ink) {
  if (!Number.isFinite(bbox.top) || !Number.isFinite(bbox.height)) return `${ink}22`
  const gradient = ctx.createLinearGradient(0, bbox.top, 0, bbox.top + bbox.height)
  gradient.addColorStop(0, `${ink}40`)
  gradient.addColorStop(1, `${ink}08`)
  return gradient
}
