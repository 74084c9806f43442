/**
 * One plot on a common time axis, with what all of them have: size, cursor, zoom, keys, marks. What
 * is drawn in it is the caller's.
 */
import { clock } from "../format.js"
import { colour } from "../theme.js"
import uPlot from "../uplot.js"

/** @import { TimeAxis } from "./axis.js" */

/**
 * @typedef {object} PlotParts
 * @property {TimeAxis} axis
 * @property {uPlot.Series[]} series
 * @property {uPlot.Axis} valueAxis
 * @property {(plot: uPlot, min: number, max: number) => [number, number]} range of the values
 * @property {(plot: uPlot) => void} [drawn] after the series
 * @property {(plot: uPlot) => void} [behind] before them
 * @property {(index: number | null) => void} pointed the cursor is at this point
 * @property {() => string} words what is at the cursor
 */

const ticksS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400,
]

/** A little smaller than the text around, larger on a wall. */
export function font() {
  const { fontFamily, fontSize } = getComputedStyle(document.body)
  return `${Math.round(Number.parseFloat(fontSize) * 0.83)}px ${fontFamily}`
}

/** What axes have in common. @returns {uPlot.Axis} */
export function axisStyle() {
  return {
    stroke: () => colour("--muted"),
    grid: { stroke: () => colour("--grid"), width: 1 },
    ticks: { show: false },
    font: font(),
    gap: 6,
  }
}

export class Plot {
  #parts
  /** @type {uPlot | undefined} */
  #plot
  /** @type {uPlot.AlignedData} */
  #data = [[]]
  #place
  #resizing
  /** The cursor is moved by the axis and not by a hand. */
  #isTold = false

  /** @param {HTMLElement} place whose size it takes @param {PlotParts} parts */
  constructor(place, parts) {
    this.#place = place
    this.#parts = parts
    this.#resizing = new ResizeObserver(() => this.#fit())
    this.#resizing.observe(place)
    place.tabIndex = 0
    place.setAttribute("role", "group")
    place.setAttribute("aria-roledescription", "chart")
    place.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return
      if (!parts.axis.key(event.key, this.#step() * (event.shiftKey ? 10 : 1))) return
      event.preventDefault()
      this.#speak()
    })
    parts.axis.add(this)
  }

  /** @param {uPlot.AlignedData} data */
  show(data) {
    this.#data = data
    this.draw()
  }

  draw() {
    if (this.#place.clientWidth === 0) return
    this.#plot ??= this.#make()
    const plot = this.#plot
    const { min, max } = this.#parts.axis.range
    plot.batch(() => {
      plot.setData(this.#data, false)
      plot.setScale("x", { min, max })
    })
    this.point(this.#parts.axis.cursor)
  }

  repaint() {
    this.#plot?.redraw(false, true)
  }

  /** @param {number | null} seconds */
  point(seconds) {
    const plot = this.#plot
    if (plot === undefined) return
    this.#isTold = true
    if (seconds === null) {
      plot.setCursor({ left: -10, top: -10 })
    } else {
      plot.setCursor({ left: plot.valToPos(seconds, "x"), top: plot.over.clientHeight / 2 })
    }
    this.#isTold = false
    this.#parts.pointed(seconds === null ? null : (plot.cursor.idx ?? null))
  }

  /** @param {number} series counted from 1 @param {boolean} isShown */
  reveal(series, isShown) {
    this.#plot?.setSeries(series, { show: isShown })
  }

  remove() {
    this.#parts.axis.remove(this)
    this.#resizing.disconnect()
    this.#plot?.destroy()
  }

  /** For who moves the cursor by keys and can't see where it is. */
  #speak() {
    const { axis, words } = this.#parts
    const place = document.getElementById("spoken")
    if (place === null) return
    place.textContent = axis.cursor === null ? "" : `${clock(axis.cursor)}: ${words()}`
  }

  #make() {
    const { axis, series, valueAxis, range, behind, drawn, pointed } = this.#parts
    return new uPlot(
      {
        width: this.#place.clientWidth,
        height: this.#place.clientHeight,
        padding: [8, 12, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          // On a point, because it is a point's values that are told.
          move: (plot, left, top) => [onPoint(plot, left), top],
          drag: { x: true, y: false, setScale: false },
          points: { size: 7, width: 2 },
          bind: {
            dblclick: () => () => {
              axis.zoom(undefined)
              return null
            },
          },
        },
        scales: {
          x: { time: false, range: () => [axis.range.min, axis.range.max] },
          y: { range },
        },
        axes: [
          {
            ...axisStyle(),
            size: 26,
            space: 64,
            incrs: ticksS,
            values: (_plot, values) => values.map(clock),
            grid: { show: false },
          },
          { ...axisStyle(), size: 64, ...valueAxis },
        ],
        series: [{}, ...series],
        hooks: {
          drawAxes: behind === undefined ? [] : [behind],
          draw: drawn === undefined ? [] : [drawn],
          setCursor: [
            (at) => {
              if (this.#isTold) return
              const { idx, left } = at.cursor
              const isInside = left !== undefined && left >= 0 && idx != null
              const seconds = isInside ? (at.data[0]?.[idx] ?? null) : null
              pointed(isInside ? idx : null)
              axis.point(seconds, this)
            },
          ],
          setSelect: [
            (at) => {
              const { left, width } = at.select
              if (width < 4) return
              at.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
              axis.zoom({ min: at.posToVal(left, "x"), max: at.posToVal(left + width, "x") })
            },
          ],
        },
      },
      this.#data,
      this.#place,
    )
  }

  /** From one point to the next, in seconds: what an arrow key moves the cursor by. */
  #step() {
    const times = this.#data[0]
    const [last, before] = [times.at(-1), times.at(-2)]
    return last === undefined || before === undefined ? 1 : Math.max(1, last - before)
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.#place
    if (width === 0) return
    if (this.#plot === undefined) this.draw()
    else this.#plot.setSize({ width, height })
  }
}

/** @param {uPlot} plot @param {number} left in pixels; outside of the plot it is less than 0. */
function onPoint(plot, left) {
  const seconds = left < 0 ? undefined : plot.data[0][plot.posToIdx(left)]
  return seconds === undefined ? left : plot.valToPos(seconds, "x")
}
