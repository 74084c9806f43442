/**
 * Logs of the replicas: the newest below, of all or of one, with a text or without. Lines that are
 * pino's JSON are shown as a person reads them. It scrolls along until somebody scrolls up.
 */
import { at, make, say } from "../dom.js"
import { timeOfDay } from "../format.js"

/** @import { TargetLogLine } from "../../src/load/target.ts" */

/** At once; older ones are found with the filter. */
const shownMax = 500

const place = () => at("lines")
/** @type {TargetLogLine[]} what is in the page. */
let shown = []
/** @type {readonly TargetLogLine[]} */
let latest = []
let filter = ""

/** Filters show at once. */
export function filterLines() {
  for (const id of ["logs-pod", "logs-text"]) {
    at(id).addEventListener("input", () => showLines(latest))
  }
}

/** @param {readonly TargetLogLine[]} lines */
export function showLines(lines) {
  latest = lines
  const select = /** @type {HTMLSelectElement} */ (at("logs-pod"))
  offerPods(select, lines)
  const text = /** @type {HTMLInputElement} */ (at("logs-text")).value.trim().toLowerCase()
  const fitting = lines.filter(
    (line) =>
      (select.value === "" || line.pod === select.value) &&
      (text === "" || line.text.toLowerCase().includes(text)),
  )
  say(at("logs-count"), countOf(fitting.length, lines.length))
  show(fitting.slice(-shownMax), `${select.value}\n${text}`)
}

/** @param {readonly TargetLogLine[]} lines @param {string} wanted the filter */
function show(lines, wanted) {
  const element = place()
  const isBelow = element.scrollHeight - element.scrollTop - element.clientHeight < 40
  const last = shown.at(-1)
  const known = wanted === filter && last !== undefined ? lines.lastIndexOf(last) : -1
  if (known === -1) {
    element.replaceChildren(...lines.map(row))
  } else {
    // Only what is new is added: a selection in what was there stays.
    element.append(...lines.slice(known + 1).map(row))
    while (element.childElementCount > lines.length) element.firstElementChild?.remove()
  }
  filter = wanted
  shown = [...lines]
  if (isBelow || known === -1) element.scrollTop = element.scrollHeight
}

/** @param {HTMLSelectElement} select @param {readonly TargetLogLine[]} lines */
function offerPods(select, lines) {
  const pods = new Set(lines.map(({ pod }) => pod).filter((pod) => pod !== ""))
  const chosen = select.value
  if (chosen !== "") pods.add(chosen)
  const offered = [...select.options].slice(1).map(({ value }) => value)
  if ([...pods].join("\n") === offered.join("\n")) return
  select.length = 1
  for (const pod of pods) select.add(new Option(pod, pod))
  select.value = chosen
}

/** @param {number} fitting @param {number} all */
function countOf(fitting, all) {
  if (all === 0) return "Nothing has been logged yet."
  const first = fitting > shownMax ? `the newest ${shownMax} of ` : ""
  return fitting === all ? `${first}${all} lines` : `${first}${fitting} of ${all} lines`
}

/** @param {TargetLogLine} line */
function row({ atMs, pod, text }) {
  const { level, message, rest } = readable(text)
  const element = make(
    "div",
    {},
    make("time", {}, timeOfDay(atMs)),
    make("i", {}, pod),
    make("span", {}, message, ...(rest === "" ? [] : [make("small", {}, ` ${rest}`)])),
  )
  if (level !== undefined) element.dataset.level = level
  return element
}

const controlSign = String.fromCharCode(27)
const colours = new RegExp(`${controlSign}\\[[0-9;]*m`, "g")
/** What every line of pino's says, and nobody looks for. */
const usual = new Set(["level", "time", "msg", "pid", "hostname", "v"])

/** @param {string} text */
function readable(text) {
  const plain = text.replaceAll(colours, "")
  const logged = plain.startsWith("{") ? parsed(plain) : undefined
  if (typeof logged?.msg !== "string") return { level: undefined, message: plain, rest: "" }
  const level = Number(logged.level)
  return {
    level: level >= 50 ? "error" : level >= 40 ? "warning" : undefined,
    message: logged.msg,
    rest: Object.entries(logged)
      .filter(([name]) => !usual.has(name))
      .map(
        ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
      )
      .join(" "),
  }
}

/** @param {string} text @returns {Record<string, unknown> | undefined} */
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
