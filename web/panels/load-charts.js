/** The charts of a run: of all requests, or of one endpoint, whose history is fetched when asked for. */
import { Chart } from "../charts/chart.js"
import { latencyPicture, loadPictures, throughputPicture } from "../charts/pictures.js"
import { at } from "../dom.js"
import { append } from "../feed.js"

/** @import { RunState } from "../../src/load/page/events.ts" */
/** @import { Course } from "../../src/load/books/course.ts" */
/** @import { TimeAxis } from "../charts/axis.js" */

export class LoadCharts {
  #axis
  /** @type {Chart[]} */
  #charts = []
  /** What the charts were made for. */
  #made = ""
  /** Of one endpoint: `METHOD\nname`, and "" for all. */
  #chosen = ""
  /** @type {Course | undefined} */
  #course
  /** @type {RunState | undefined} */
  #run
  #select = /** @type {HTMLSelectElement} */ (at("endpoint"))

  /** @param {TimeAxis} axis */
  constructor(axis) {
    this.#axis = axis
    this.#select.addEventListener("change", () => this.choose(this.#select.value))
  }

  /** @param {string} endpoint */
  choose(endpoint) {
    this.#chosen = endpoint
    this.#course = undefined
    this.renew()
    if (this.#run !== undefined) this.show(this.#run)
  }

  /** After all may be another: an endpoint's history is fetched again. */
  async renew() {
    const wanted = this.#chosen
    if (wanted === "") return
    const [method = "", name = ""] = wanted.split("\n")
    const response = await fetch(`endpoint?${new URLSearchParams({ method, name })}`)
    const course = response.ok ? await response.json() : undefined
    if (wanted !== this.#chosen) return
    if (course === undefined) this.#chosen = ""
    this.#course = course
    if (this.#run !== undefined) this.show(this.#run)
  }

  /** A second is over. @param {RunState} run */
  add({ snapshot, course }) {
    const timeMs = course.timeMs.at(-1)
    const row = snapshot?.rows.find(({ method, name }) => keyOf(method, name) === this.#chosen)
    if (this.#course === undefined || row === undefined || timeMs === undefined) return
    const { currentPerS, currentFailuresPerS, currentPercentilesMs: percentiles } = row
    append(this.#course, {
      timeMs,
      values: {
        requestsPerS: currentPerS,
        failuresPerS: currentFailuresPerS,
        p50: percentiles?.[50] ?? null,
        p95: percentiles?.[95] ?? null,
        p99: percentiles?.[99] ?? null,
      },
    })
  }

  /** @param {RunState} run */
  show(run) {
    this.#run = run
    this.#offer(run)
    this.#make(run)
    const crowd = this.#charts.at(-1)
    for (const chart of this.#charts) {
      const isOne = this.#chosen !== "" && chart !== crowd
      chart.show(isOne ? (this.#course ?? { timeMs: [], columns: {} }) : run.course)
    }
  }

  /** @param {RunState} run */
  #make(run) {
    const isOpen = run.model === "open"
    const isOne = this.#chosen !== ""
    const wanted = `${isOpen} ${isOne}`
    if (wanted === this.#made) return
    this.#made = wanted
    for (const chart of this.#charts) chart.remove()
    const [throughput, latency, crowd] = loadPictures(isOpen)
    // What is asked for is asked of all endpoints together.
    const pictures = isOne
      ? [throughputPicture(false), latencyPicture(isOpen), crowd]
      : [throughput, latency, crowd]
    this.#charts = pictures.flatMap((picture) =>
      picture === undefined ? [] : [new Chart(at("load-charts"), picture, this.#axis)],
    )
  }

  /** The names to choose from, in the order of first use. @param {RunState} run */
  #offer({ snapshot }) {
    const keys = (snapshot?.rows ?? []).map(({ method, name }) => keyOf(method, name))
    const offered = [...this.#select.options].slice(1).map(({ value }) => value)
    if (keys.join("\0") !== offered.join("\0")) {
      this.#select.length = 1
      for (const key of keys) this.#select.add(new Option(key.replace("\n", " "), key))
    }
    this.#select.value = this.#chosen
  }
}

/** @param {string} method @param {string} name */
export function keyOf(method, name) {
  return `${method}\n${name}`
}
