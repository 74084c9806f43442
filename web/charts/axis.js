/**
 * The time axis that charts share. Its range is what follows the present, or what was zoomed in on;
 * the cursor is at one moment in all of them. Charts know the axis, the axis knows that they draw.
 *
 * Times on it are seconds since its origin: a run's start, where there is one.
 */

/** @typedef {{ draw(): void, repaint(): void, point(seconds: number | null): void }} OnAxis */

/** A range shorter than this, in seconds, is widened to it. */
const spanMin = 10

export class TimeAxis {
  /** In milliseconds since 1970. */
  originMs = 0
  /** In seconds since the origin. */
  #following = { min: 0, max: spanMin }
  /** @type {{ min: number, max: number } | undefined} */
  #zoom
  /** @type {Set<OnAxis>} */
  #charts = new Set()
  /** @type {number | null} */
  #cursor = null
  /** @type {(axis: TimeAxis) => void} called when the zoom or the cursor has changed. */
  changed = () => {}

  get isZoomed() {
    return this.#zoom !== undefined
  }

  /** Where the cursor is, in seconds; null when it is nowhere. */
  get cursor() {
    return this.#cursor
  }

  get range() {
    return this.#zoom ?? this.#following
  }

  /** @param {number} ms since 1970 */
  secondsOf(ms) {
    return (ms - this.originMs) / 1000
  }

  /** @param {OnAxis} chart */
  add(chart) {
    this.#charts.add(chart)
  }

  /** @param {OnAxis} chart */
  remove(chart) {
    this.#charts.delete(chart)
  }

  /** Shows this range while nothing is zoomed. @param {number} fromMs @param {number} toMs */
  follow(fromMs, toMs) {
    const min = this.secondsOf(fromMs)
    this.#following = { min, max: Math.max(min + spanMin, this.secondsOf(toMs)) }
  }

  /** Takes another run's start for its origin; what was zoomed in on is another time's. */
  /** @param {number} originMs */
  startAt(originMs) {
    if (originMs === this.originMs) return
    this.originMs = originMs
    this.zoom(undefined)
  }

  /** @param {{ min: number, max: number } | undefined} range */
  zoom(range) {
    this.#zoom = range
    for (const chart of this.#charts) chart.draw()
    this.changed(this)
  }

  /** @param {number | null} seconds @param {OnAxis} [from] which has its cursor there already. */
  point(seconds, from) {
    if (seconds === this.#cursor) return
    this.#cursor = seconds
    for (const chart of this.#charts) if (chart !== from) chart.point(seconds)
    this.changed(this)
  }

  /** Colours have changed. */
  repaint() {
    for (const chart of this.#charts) chart.repaint()
  }

  /** @param {string} key @param {number} step in seconds, of the chart that has the focus */
  key(key, step) {
    const { min, max } = this.range
    const middle = this.#cursor ?? (min + max) / 2
    const half = (max - min) / 2
    switch (key) {
      case "ArrowLeft":
      case "ArrowRight": {
        const to = (this.#cursor ?? max) + (key === "ArrowLeft" ? -step : step)
        this.point(Math.min(max, Math.max(min, to)))
        return true
      }
      case "+":
      case "-": {
        const wide = key === "+" ? Math.max(spanMin / 4, half / 2) : half * 2
        const isAll = this.#following.max - this.#following.min <= 2 * wide
        this.zoom(isAll ? undefined : { min: middle - wide, max: middle + wide })
        return true
      }
      case "Escape":
        this.point(null)
        this.zoom(undefined)
        return true
      default:
        return false
    }
  }
}
