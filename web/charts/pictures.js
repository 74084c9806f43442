/** Which charts there are, and what is in each: columns by the names that src/load/course.ts gives. */
import { count, percent, rate, short, shortPercent, shortTime, time } from "../format.js"

/** @import { Picture, Line } from "./chart.js" */

/** @type {readonly Line[]} */
const sent = [
  { label: "requests", colour: "--c-requests", column: "requestsPerS", isFilled: true },
  { label: "failures", colour: "--c-failures", column: "failuresPerS" },
]
/** @type {Line} */
const offered = { label: "asked for", colour: "--c-offered", column: "offered", isDashed: true }

/** @param {boolean} isOpen @returns {Picture} */
export function throughputPicture(isOpen) {
  return {
    title: "Throughput",
    unit: "requests a second",
    format: rate,
    tick: short,
    lines: isOpen ? [offered, ...sent] : sent,
  }
}

/** @param {boolean} isOpen @returns {Picture} */
export function latencyPicture(isOpen) {
  return {
    title: "Response time",
    unit: isOpen ? "from when it was due" : "from sending",
    format: time,
    tick: shortTime,
    lines: [
      { label: "p99", colour: "--c-p99", column: "p99" },
      { label: "p95", colour: "--c-p95", column: "p95" },
      { label: "p50", colour: "--c-p50", column: "p50" },
    ],
  }
}

/** @param {boolean} isOpen @returns {Picture} */
function crowdPicture(isOpen) {
  return {
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
        column: "users",
        isFilled: true,
      },
    ],
  }
}

/** Of a run. @param {boolean} isOpen @returns {readonly Picture[]} */
export function loadPictures(isOpen) {
  return [throughputPicture(isOpen), latencyPicture(isOpen), crowdPicture(isOpen)]
}

/** Of a target. What its source does not tell is not drawn. */
export const targetPicture = /** @satisfies {Record<string, Picture>} */ ({
  replicas: {
    title: "Replicas",
    unit: "",
    format: count,
    tick: short,
    isWhole: true,
    isMarked: true,
    lines: [
      { label: "at most", colour: "--c-offered", column: "max", isDashed: true, isStepped: true },
      { label: "wanted", colour: "--c-wanted", column: "wanted", isDashed: true, isStepped: true },
      { label: "there", colour: "--c-present", column: "present", isStepped: true },
      { label: "ready", colour: "--c-ready", column: "ready", isFilled: true, isStepped: true },
    ],
  },
  cpu: {
    title: "CPU against target",
    unit: "percent of what a replica may use",
    format: percent,
    tick: shortPercent,
    lines: [
      {
        label: "target",
        colour: "--c-offered",
        column: "targetPercent",
        isDashed: true,
        isStepped: true,
      },
      { label: "used", colour: "--c-cpu", column: "utilizationPercent", isFilled: true },
    ],
  },
  cores: {
    title: "Cores",
    unit: "asked for, used and there",
    format: rate,
    tick: short,
    lines: [
      {
        label: "workers",
        colour: "--c-offered",
        column: "workers",
        isDashed: true,
        isStepped: true,
      },
      { label: "demand", colour: "--c-demand", column: "demandCores" },
      { label: "busy", colour: "--c-users", column: "busy" },
      { label: "CPU", colour: "--c-cpu", column: "cpuCores", isFilled: true },
    ],
  },
  queue: {
    title: "Queue",
    unit: "requests that wait for a worker",
    format: count,
    tick: short,
    isWhole: true,
    lines: [{ label: "queued", colour: "--c-queue", column: "queued", isFilled: true }],
  },
  shed: {
    title: "Shed",
    unit: "requests refused a second",
    isRare: true,
    format: rate,
    tick: short,
    lines: [{ label: "shed", colour: "--c-failures", column: "shedPerS", isFilled: true }],
  },
})

/** @type {readonly Picture[]} */
export const targetPictures = Object.values(targetPicture)
