/**
 * Pods coming and going: a lane for each, coloured by the phase it was in, on the common time axis.
 * Those that have gone are kept while they are within what is shown.
 */
import { make, say } from "../dom.js"
import { clock } from "../format.js"
import { colour } from "../theme.js"
import { drawMarks, drawSpan } from "./marks.js"
import { Plot } from "./plot.js"
import { dataTable } from "./table.js"

/** @import uPlot from "../uplot.js" */
/** @import { Lane } from "../../src/load/page/lanes.ts" */
/** @import { TimeAxis } from "./axis.js" */
/** @import { Around } from "./chart.js" */

const phases = /** @type {const} */ (["starting", "ready", "unready", "draining", "failed"])
/** @typedef {(typeof phases)[number]} Phase */

const lanePx = 20
const axisPx = 40

export class LaneChart {
  #axis
  /** @type {readonly Lane[]} */
  #lanes = []
  /** @type {readonly Lane[]} */
  #shown = []
  /** @type {readonly number[]} */
  #seconds = []
  #now = 0
  /** @type {Around} */
  #around = {}
  #figure = make("figure", { class: "chart lanes" })
  #place = make("div", { class: "plot" })
  /** @type {Map<Phase, HTMLElement>} */
  #legend = new Map()
  #plot

  /** @param {HTMLElement} parent @param {TimeAxis} axis */
  constructor(parent, axis) {
    this.#axis = axis
    const legend = make("div", { class: "legend" })
    for (const phase of phases) {
      const value = make("b", {})
      const entry = make("span", { class: "entry" }, `${phase} `, value)
      entry.style.setProperty("--c", `var(--c-${phase})`)
      legend.append(entry)
      this.#legend.set(phase, value)
    }
    const table = dataTable("Pods", () => this.#rows())
    this.#figure.append(
      make(
        "figcaption",
        {},
        make("h2", {}, "Pods ", make("small", {}, "coming and going")),
        legend,
        table.button,
      ),
      this.#place,
      table.place,
    )
    parent.append(this.#figure)
    this.#plot = new Plot(this.#place, {
      axis,
      series: [{ points: { show: false } }],
      valueAxis: {
        grid: { show: false },
        // Lanes are drawn downwards, in the order in which they came.
        splits: () => this.#shown.map((_, index) => this.#middle(index)),
        values: () => this.#shown.map(({ name }) => shortName(name)),
      },
      range: () => [0, Math.max(1, this.#shown.length)],
      behind: (plot) => drawSpan(plot, this.#around.span),
      drawn: (plot) => {
        this.#draw(plot)
        drawMarks(plot, this.#around.marks ?? [], false)
      },
      pointed: (index) => this.#tell(index === null ? null : (this.#seconds[index] ?? null)),
      words: () =>
        Array.from(this.#legend, ([phase, value]) => `${phase} ${value.textContent}`).join(", "),
    })
  }

  /**
   * @param {readonly Lane[]} lanes
   * @param {readonly number[]} timeMs when it was looked; the cursor stops there.
   * @param {Around} around
   */
  show(lanes, timeMs, around) {
    this.#lanes = lanes
    this.#around = around
    this.#seconds = timeMs.map((ms) => this.#axis.secondsOf(ms))
    this.#now = this.#seconds.at(-1) ?? 0
    this.#figure.hidden = lanes.length === 0
    this.#choose()
    this.#plot.show([/** @type {number[]} */ (this.#seconds), this.#seconds.map(() => null)])
    this.#place.setAttribute("aria-label", this.#inWords())
  }

  remove() {
    this.#plot.remove()
    this.#figure.remove()
  }

  /** Those that lived within what is shown; the plot is as high as they need. */
  #choose() {
    const { min, max } = this.#axis.range
    this.#shown = this.#lanes.filter(({ phases, goneMs }) => {
      const from = this.#axis.secondsOf(phases[0]?.sinceMs ?? 0)
      const to = goneMs === null ? this.#now : this.#axis.secondsOf(goneMs)
      return from <= max && to >= min
    })
    const height = `${Math.max(2, this.#shown.length) * lanePx + axisPx}px`
    if (this.#place.style.height !== height) this.#place.style.height = height
  }

  /** @param {number} index */
  #middle(index) {
    return Math.max(1, this.#shown.length) - index - 0.5
  }

  /** @param {uPlot} plot */
  #draw(plot) {
    const { ctx, bbox } = plot
    ctx.save()
    ctx.beginPath()
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
    ctx.clip()
    for (const [index, lane] of this.#shown.entries()) {
      const top = plot.valToPos(this.#middle(index) + 0.3, "y", true)
      const height = plot.valToPos(this.#middle(index) - 0.3, "y", true) - top
      for (const [number, { phase, sinceMs }] of lane.phases.entries()) {
        const endMs = lane.phases[number + 1]?.sinceMs ?? lane.goneMs
        const from = plot.valToPos(this.#axis.secondsOf(sinceMs), "x", true)
        const to = plot.valToPos(
          endMs === null ? this.#now : this.#axis.secondsOf(endMs),
          "x",
          true,
        )
        const left = Math.max(bbox.left - 10, from)
        ctx.fillStyle = colour(`--c-${phase}`)
        ctx.globalAlpha = phase === "ready" ? 0.85 : 1
        ctx.beginPath()
        ctx.roundRect(
          left,
          top,
          Math.max(1.5, to - left - 1),
          height,
          Math.min(height / 2, 3 * devicePixelRatio),
        )
        ctx.fill()
      }
    }
    ctx.restore()
  }

  /** How many were in each phase, at the cursor or now. @param {number | null} seconds */
  #tell(seconds) {
    /** @type {Partial<Record<Phase, number>>} */
    const counts = {}
    for (const lane of this.#lanes) {
      const phase = phaseAt(lane, this.#axis, seconds ?? this.#now)
      if (phase !== undefined) counts[phase] = (counts[phase] ?? 0) + 1
    }
    for (const [phase, value] of this.#legend) say(value, String(counts[phase] ?? 0))
  }

  #inWords() {
    const now = this.#lanes.flatMap((lane) => {
      const phase = phaseAt(lane, this.#axis, this.#now)
      return phase === undefined ? [] : [`${lane.name} ${phase}`]
    })
    return `Pods now: ${now.join(", ") || "none"}.`
  }

  #rows() {
    return {
      heads: ["Pod", "Phase", "From", "To"],
      rows: this.#shown.flatMap(({ name, phases, goneMs }) =>
        phases.map(({ phase, sinceMs }, index) => {
          const endMs = phases[index + 1]?.sinceMs ?? goneMs
          return [
            name,
            phase,
            clock(this.#axis.secondsOf(sinceMs)),
            endMs === null ? "now" : clock(this.#axis.secondsOf(endMs)),
          ]
        }),
      ),
    }
  }
}

/** @param {Lane} lane @param {TimeAxis} axis @param {number} seconds */
function phaseAt({ phases, goneMs }, axis, seconds) {
  if (goneMs !== null && axis.secondsOf(goneMs) <= seconds) return undefined
  return phases.findLast(({ sinceMs }) => axis.secondsOf(sinceMs) <= seconds)?.phase
}

/** The end of a name tells pods apart. @param {string} name */
function shortName(name) {
  return name.length <= 9 ? name : `…${name.slice(-8)}`
}
