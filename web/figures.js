/**
 * The row of large figures: what it is now, with a line of the last two minutes; once the run is
 * over, what it was over all of it.
 */
import { rate, share, timeParts } from "./format.js"

/** @import { Point } from "../src/load/history.ts" */
/** @import { Snapshot } from "../src/load/result.ts" */

/**
 * @typedef {object} Figure
 * @property {(isOpen: boolean, isWhole: boolean) => string} label
 * @property {string} colour
 * @property {(point: Point) => [value: string, unit: string]} text
 * @property {(point: Point) => number} value
 * @property {(point: Point) => boolean} [isBad]
 */

/** @param {Point} point @param {50 | 95 | 99} percent */
const percentile = (point, percent) => point.percentilesMs?.[percent] ?? 0
/** @param {50 | 95 | 99} percent @returns {Figure} */
const latency = (percent) => ({
  label: () => (percent === 50 ? "Median" : `${percent}th percentile`),
  colour: `--c-p${percent}`,
  text: (point) =>
    point.percentilesMs === null ? ["–", ""] : timeParts(percentile(point, percent)),
  value: (point) => percentile(point, percent),
})

/** @type {readonly Figure[]} */
const figures = [
  {
    label: () => "Requests a second",
    colour: "--c-requests",
    text: ({ requestsPerS }) => [rate(requestsPerS), ""],
    value: ({ requestsPerS }) => requestsPerS,
  },
  {
    label: (_isOpen, isWhole) => (isWhole ? "Failed" : "Failed so far"),
    colour: "--c-failures",
    text: ({ total }) => [share(total.failures, total.requests), ""],
    value: ({ failuresPerS }) => failuresPerS,
    isBad: ({ total }) => total.failures > 0,
  },
  latency(50),
  latency(95),
  latency(99),
  {
    label: (isOpen, isWhole) =>
      `${isOpen ? "Waiting for answers" : "Users"}${isWhole ? ", at most" : ""}`,
    colour: "--c-users",
    text: ({ users }) => [users.toLocaleString("en"), ""],
    value: ({ users }) => users,
  },
]

const shown = 120

/**
 * @param {HTMLElement} place
 * @param {readonly Point[]} points
 * @param {boolean} isOpen
 * @param {Snapshot | null} whole the run's last snapshot, once it is over.
 */
export function showFigures(place, points, isOpen, whole) {
  if (place.childElementCount === 0) place.append(...figures.map(card))
  const last = whole === null ? points.at(-1) : wholeRun(whole, points)
  place.ariaLabel = whole === null ? "Now" : "Over the whole run"
  for (const [index, figure] of figures.entries()) {
    const [value, unit] = last === undefined ? ["–", ""] : figure.text(last)
    const element = /** @type {HTMLElement} */ (place.children[index])
    element.dataset.bad = String(last !== undefined && figure.isBad?.(last) === true)
    const [label, number, line] = element.children
    if (label) label.textContent = figure.label(isOpen, whole !== null)
    if (number) {
      const small = document.createElement("small")
      small.textContent = unit
      number.replaceChildren(value, small)
    }
    const [area, edge] = line?.children ?? []
    const path = sparkline(points.slice(-shown).map(figure.value))
    edge?.setAttribute("d", path)
    area?.setAttribute("d", path === "" ? "" : `${path}V32H0Z`)
  }
}

/** @param {Snapshot} whole @param {readonly Point[]} points @returns {Point} */
function wholeRun({ total, point }, points) {
  return {
    ...point,
    requestsPerS: total.requestsPerS,
    percentilesMs: total.requests === 0 ? null : total.latency.percentilesMs,
    users: Math.max(point.users, ...points.map(({ users }) => users)),
  }
}

/** @param {Figure} figure */
function card({ colour }) {
  const element = document.createElement("div")
  element.className = "kpi"
  element.style.setProperty("--c", `var(${colour})`)
  element.innerHTML =
    '<span></span><b></b><svg viewBox="0 0 100 32" preserveAspectRatio="none" aria-hidden="true"><path class="area"/><path class="edge"/></svg>'
  return element
}

/** @param {readonly number[]} values */
function sparkline(values) {
  // A line along the bottom would say that there was something.
  if (values.length < 2 || !values.some((value) => value > 0)) return ""
  const max = Math.max(...values, 1e-9) * 1.12
  const step = 100 / (values.length - 1)
  return `M${values.map((value, index) => `${(index * step).toFixed(2)},${(31 - (value / max) * 30).toFixed(2)}`).join("L")}`
}
