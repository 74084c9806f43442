/** What went wrong: requests that failed, and what the scenario itself threw. */
import { make, say, verb } from "../dom.js"
import { count, timeOfDay } from "../format.js"
import { showRows } from "../rows.js"

/** @import { Snapshot } from "../../src/load/result.ts" */

/**
 * @typedef {object} Wrong
 * @property {string} method
 * @property {string} name
 * @property {string} what
 * @property {string} detail
 * @property {number} occurrences
 * @property {number} firstSeenMs
 * @property {number} lastSeenMs
 */

/** @param {HTMLTableElement} table @param {Snapshot["failures"]} failures */
export function showFailures(table, failures) {
  const wrongs = failures.map(({ error, example, ...failure }) => ({
    ...failure,
    what: error,
    detail: example,
  }))
  show(table, wrongs, ["Failures by kind", "Request", "What went wrong", "an example"])
}

/** @param {HTMLTableElement} table @param {Snapshot["exceptions"]} exceptions */
export function showExceptions(table, exceptions) {
  const wrongs = exceptions.map(({ task, message, stack, ...exception }) => ({
    ...exception,
    method: "",
    name: task,
    what: message,
    detail: stack,
  }))
  show(table, wrongs, ["Exceptions by kind", "Task", "What it threw", "where"])
}

/**
 * @param {HTMLTableElement} table
 * @param {readonly Wrong[]} wrongs
 * @param {readonly [caption: string, name: string, what: string, detail: string]} words
 */
function show(table, wrongs, [caption, name, what, detail]) {
  if (table.tHead === null) {
    table.createCaption().textContent = caption
    const heads = ["Times", name, what, "First", "Last"].map((head, index) =>
      make("th", { scope: "col", class: index === 1 || index === 2 ? "text" : "" }, head),
    )
    table.createTHead().append(make("tr", {}, ...heads))
  }
  table.hidden = wrongs.length === 0
  showRows(
    table.tBodies[0] ?? table.createTBody(),
    wrongs,
    (wrong) =>
      `${wrong.method}\n${wrong.name}\n${wrong.what}\n${wrong.detail.split("\n")[1] ?? ""}`,
    (wrong) => line(wrong, detail),
    (row, { occurrences, firstSeenMs, lastSeenMs }) => {
      const [times, , , first, last] = row.children
      if (times) say(times, count(occurrences))
      if (first) say(first, timeOfDay(firstSeenMs))
      if (last) say(last, timeOfDay(lastSeenMs))
    },
  )
}

/** @param {Wrong} wrong @param {string} detailName */
function line({ method, name, what, detail }, detailName) {
  const cell = make("td", { class: "text wrap" }, what)
  if (detail !== "") {
    cell.append(make("details", {}, make("summary", {}, detailName), make("pre", {}, detail)))
  }
  return make(
    "tr",
    {},
    make("td", {}),
    make("td", { class: "text" }, ...(method === "" ? [] : [verb(method)]), name),
    cell,
    make("td", {}),
    make("td", {}),
  )
}
