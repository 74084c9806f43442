/** What the autoscaler decided, and why: the newest first. Looking at one shows its moment in the charts. */
import { at, make } from "../dom.js"
import { clock, timeOfDay } from "../format.js"
import { showRows } from "../rows.js"

/** @import { TargetDecision } from "../../src/load/target.ts" */
/** @import { TimeAxis } from "../charts/axis.js" */

/** What a person reads back. All changes are in the charts. */
const shownMax = 100

/** @param {readonly TargetDecision[]} decisions @param {TimeAxis} axis */
export function showDecisions(decisions, axis) {
  const isChangesOnly = /** @type {HTMLInputElement} */ (at("changes-only")).checked
  const shown = decisions
    .filter(({ from, to }) => !isChangesOnly || from !== to)
    .slice(-shownMax)
    .toReversed()
  at("no-decisions").hidden = decisions.length > 0
  showRows(
    at("decisions"),
    shown,
    ({ id }) => id,
    (decision) => line(decision, axis),
    (item, { atMs }) => {
      const time = item.querySelector("time")
      const text = clock(axis.secondsOf(atMs))
      if (time !== null && time.textContent !== text) time.textContent = text
    },
  )
}

/** @param {TargetDecision} decision @param {TimeAxis} axis */
function line({ atMs, from, to, reasons }, axis) {
  const change = from === to ? String(to) : `${from} → ${to}`
  const badge = make("b", { class: "change" }, change)
  const item = make(
    "li",
    {},
    make("time", { title: timeOfDay(atMs) }),
    badge,
    make("ul", {}, ...reasons.map((reason) => make("li", {}, reason))),
  )
  item.dataset.way = to > from ? "up" : to < from ? "down" : "held"
  item.addEventListener("pointerenter", () => axis.point(axis.secondsOf(atMs)))
  item.addEventListener("pointerleave", () => axis.point(null))
  return item
}
