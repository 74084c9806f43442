/** The target: replicas, CPU, demand, queue, and what the autoscaler made of it, under the load. */
import { Chart } from "../charts/chart.js"
import { LaneChart } from "../charts/lanes.js"
import { latencyPicture, targetPicture, throughputPicture } from "../charts/pictures.js"
import { at, say } from "../dom.js"
import { showDecisions } from "./decisions.js"
import { filterLines, showLines } from "./lines.js"
import { showPods } from "./pods.js"

/** @import { PageState } from "../../src/load/page/events.ts" */
/** @import { Course } from "../../src/load/books/course.ts" */
/** @import { TargetDecision } from "../../src/load/target.ts" */
/** @import { TimeAxis } from "../charts/axis.js" */
/** @import { Around, Picture } from "../charts/chart.js" */

export class TargetPanel {
  #axis
  #load
  #latency
  #lanes
  #charts

  /** @param {TimeAxis} axis @param {() => void} changed something else is to be shown. */
  constructor(axis, changed) {
    this.#axis = axis
    const place = at("target-charts")
    const { replicas, cpu, cores, queue, shed } = targetPicture
    const chart = (/** @type {Picture} */ picture) => new Chart(place, picture, axis)
    this.#load = chart(throughputPicture(true))
    this.#charts = [chart(replicas)]
    this.#lanes = new LaneChart(place, axis)
    this.#charts.push(chart(cpu))
    this.#latency = chart(latencyPicture(true))
    this.#charts.push(...[cores, queue, shed].map(chart))
    filterLines()
    at("changes-only").addEventListener("change", changed)
  }

  /** @param {PageState} state */
  show({ target, run, status }) {
    at("no-target").hidden = target !== null
    at("the-target").hidden = target === null
    if (target === null) return
    const { reading, course, lanes, decisions, lines, where } = target
    const around = this.#around(decisions, run, status)
    const loaded = run?.course ?? { timeMs: [], columns: {} }
    // Users have no place on an axis of requests a second.
    const isOpen = run?.model === "open"
    const { offered, ...columns } = /** @type {Course["columns"]} */ (loaded.columns)
    this.#load.show(isOpen ? loaded : { timeMs: loaded.timeMs, columns }, around)
    this.#latency.rename(isOpen ? "from when it was due" : "from sending")
    this.#latency.show(loaded, around)
    for (const chart of this.#charts) chart.show(course, around)
    this.#lanes.show(lanes, course.timeMs, around)
    for (const chart of [this.#load, this.#latency]) chart.hide(run === null)
    at("decided").hidden = reading?.decisions === undefined && decisions.length === 0
    showDecisions(decisions, this.#axis)
    showPods(reading?.pods ?? [], course.timeMs.at(-1) ?? 0)
    say(at("target-source"), where)
    at("logs").hidden = lines === null
    if (lines !== null) showLines(lines)
  }

  /**
   * @param {readonly TargetDecision[]} decisions
   * @param {PageState["run"]} run
   * @param {PageState["status"]} status
   * @returns {Around}
   */
  #around(decisions, run, status) {
    const marks = decisions
      .filter(({ from, to }) => from !== to)
      .map(({ atMs, from, to }) => ({ seconds: this.#axis.secondsOf(atMs), from, to }))
    if (run === null) return { marks }
    const min = this.#axis.secondsOf(run.startedAtMs)
    const isOn = status === "running" || status === "stopping"
    const max = isOn ? Number.MAX_SAFE_INTEGER : min + (run.snapshot?.elapsedMs ?? 0) / 1000
    return { marks, span: { min, max } }
  }
}
