/**
 * The row of large figures: what it is now, with a line of the last two minutes; of a run that is
 * over, what it was over all of it.
 */
import { make, say } from "./dom.js"
import { percent, rate, share, timeParts } from "./format.js"

/** @import { PageState } from "../src/load/page/events.ts" */
/** @import { Course } from "../src/load/books/course.ts" */

/**
 * @typedef {object} Figure
 * @property {string} label
 * @property {string} colour
 * @property {readonly [value: string, unit: string]} text
 * @property {readonly (number | null)[]} line
 * @property {boolean} [isBad]
 */

const shown = 120

/** @param {HTMLElement} place @param {PageState} state */
export function showFigures(place, state) {
  const figures = [...ofRun(state), ...ofTarget(state)]
  while (place.childElementCount > figures.length) place.lastElementChild?.remove()
  while (place.childElementCount < figures.length) place.append(card())
  place.hidden = figures.length === 0
  place.ariaLabel = state.status === "over" ? "Over the whole run" : "Now"
  for (const [index, figure] of figures.entries()) {
    const element = /** @type {HTMLElement} */ (place.children[index])
    element.style.setProperty("--c", `var(${figure.colour})`)
    element.dataset.bad = String(figure.isBad === true)
    const [label, value, line] = /** @type {Element[]} */ ([...element.children])
    const [number, unit] = value?.children ?? []
    if (label) say(label, figure.label)
    if (number) say(number, figure.text[0])
    if (unit) say(unit, figure.text[1])
    const [area, edge] = line?.children ?? []
    const path = sparkline(figure.line)
    edge?.setAttribute("d", path)
    area?.setAttribute("d", path === "" ? "" : `${path}V32H0Z`)
  }
}

/** @param {PageState} state @returns {Figure[]} */
function ofRun({ run, status }) {
  if (run === null) return []
  const { snapshot, course, model } = run
  const isOpen = model === "open"
  const isWhole = status === "over"
  const line = isWhole ? whole : recent
  const total = snapshot?.total
  const percentiles = isWhole
    ? total && total.requests > 0
      ? total.latency.percentilesMs
      : undefined
    : snapshot?.point.percentilesMs
  /** @param {50 | 95 | 99} rank @returns {Figure} */
  const latency = (rank) => ({
    label: rank === 50 ? "Median" : `${rank}th percentile`,
    colour: `--c-p${rank}`,
    text: percentiles ? timeParts(percentiles[rank]) : ["–", ""],
    line: line(course, `p${rank}`),
  })
  const users = snapshot?.point.users ?? 0
  const most = highest(course.columns.users, users)
  return [
    {
      label: "Requests/s",
      colour: "--c-requests",
      text: [
        snapshot ? rate(isWhole ? snapshot.total.requestsPerS : snapshot.point.requestsPerS) : "–",
        "",
      ],
      line: line(course, "requestsPerS"),
    },
    {
      label: isWhole ? "Failed" : "Failed so far",
      colour: "--c-failures",
      text: [total ? share(total.failures, total.requests) : "–", ""],
      line: line(course, "failuresPerS"),
      isBad: total !== undefined && total.failures > 0,
    },
    latency(50),
    latency(95),
    latency(99),
    {
      label: `${isOpen ? "Waiting" : "Users"}${isWhole ? ", at most" : ""}`,
      colour: "--c-users",
      text: [(isWhole ? most : users).toLocaleString("en"), ""],
      line: line(course, "users"),
    },
  ]
}

/** @param {PageState} state @returns {Figure[]} */
function ofTarget({ target, run }) {
  if (target === null) return []
  const { reading, course } = target
  const { replicas, utilizationPercent, targetPercent, cpuCores, demandCores, queued } =
    reading ?? {}
  /** @type {Figure[]} */
  const figures = [
    {
      label: "Replicas ready",
      colour: "--c-ready",
      text: [
        replicas ? String(replicas.ready) : "–",
        replicas ? `of ${Math.max(replicas.wanted, replicas.present)}` : "",
      ],
      line: recent(course, "ready"),
      isBad: reading === null || replicas?.ready === 0,
    },
  ]
  if (utilizationPercent !== undefined) {
    figures.push({
      label: "CPU",
      colour: "--c-cpu",
      text: [
        percent(utilizationPercent),
        targetPercent === undefined ? "" : `of ${targetPercent}%`,
      ],
      line: recent(course, "utilizationPercent"),
    })
  } else if (cpuCores !== undefined) {
    figures.push({
      label: "CPU",
      colour: "--c-cpu",
      text: [rate(cpuCores), "cores"],
      line: recent(course, "cpuCores"),
    })
  }
  if (demandCores !== undefined) {
    figures.push({
      label: "Demand",
      colour: "--c-demand",
      text: [rate(demandCores), "cores"],
      line: recent(course, "demandCores"),
    })
  }
  // With a run beside it there is no room for more.
  if (run === null && queued !== undefined) {
    figures.push({
      label: "Queue",
      colour: "--c-queue",
      text: [String(queued), ""],
      line: recent(course, "queued"),
    })
  }
  return figures
}

/** @param {Course} course @param {string} column */
function recent({ columns }, column) {
  return (columns[column] ?? []).slice(-shown)
}

/** All of it, with the peaks of what lies between two points. @param {Course} course @param {string} column */
function whole({ columns }, column) {
  const values = columns[column] ?? []
  const step = Math.ceil(values.length / shown)
  if (step <= 1) return values
  return Array.from({ length: Math.ceil(values.length / step) }, (_, index) =>
    highest(values.slice(index * step, (index + 1) * step), 0),
  )
}

/** @param {readonly (number | null)[]} column @param {number} least */
function highest(column, least) {
  let most = least
  for (const value of column) most = Math.max(most, value ?? 0)
  return most
}

function card() {
  const element = make("div", { class: "figure" })
  element.innerHTML =
    '<span></span><p><b></b> <small></small></p><svg viewBox="0 0 100 32" preserveAspectRatio="none" aria-hidden="true"><path class="area"/><path class="edge"/></svg>'
  return element
}

/** @param {readonly (number | null)[]} values */
function sparkline(values) {
  // A line along the bottom would say that there was something.
  if (values.length < 2 || !values.some((value) => (value ?? 0) > 0)) return ""
  const max = Math.max(...values.map((value) => value ?? 0), 1e-9) * 1.12
  const step = 100 / (values.length - 1)
  const points = values.map(
    (value, index) => `${(index * step).toFixed(2)},${(31 - ((value ?? 0) / max) * 30).toFixed(2)}`,
  )
  return `M${points.join("L")}`
}
