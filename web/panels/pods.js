/** The replicas that are there now, one a row. */
import { at, make, say } from "../dom.js"
import { rate, span } from "../format.js"
import { showRows } from "../rows.js"

/** @import { TargetPod } from "../../src/load/target.ts" */

const heads = /** @type {const} */ ([
  "Replica",
  "Phase",
  "For",
  "CPU",
  "Busy",
  "Queue",
  "Open",
  "Restarts",
])

/** @param {readonly TargetPod[]} pods @param {number} nowMs on the clock that the phases are told by */
export function showPods(pods, nowMs) {
  const table = /** @type {HTMLTableElement} */ (at("pods"))
  at("pods-card").hidden = pods.length === 0
  if (table.tHead === null) {
    table.createCaption().textContent = "Replicas now"
    table
      .createTHead()
      .append(make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head))))
  }
  const told = [
    true,
    true,
    true,
    pods.some(({ cpuCores }) => cpuCores !== undefined),
    pods.some(({ busy }) => busy !== undefined),
    pods.some(({ queued = 0 }) => queued > 0),
    pods.some(({ outstanding }) => outstanding !== undefined),
    pods.some(({ restarts }) => restarts > 0),
  ]
  /** @param {HTMLElement} row */
  const hide = (row) => {
    for (const [index, cell] of [...row.children].entries()) {
      const element = /** @type {HTMLElement} */ (cell)
      element.hidden = told[index] === false
    }
  }
  if (table.tHead?.rows[0]) hide(table.tHead.rows[0])
  showRows(
    table.tBodies[0] ?? table.createTBody(),
    pods,
    ({ name }) => name,
    ({ name }) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, name),
        ...heads.slice(1).map(() => make("td", {})),
      ),
    (row, pod) => {
      const { phase, sinceMs, restarts, cpuCores, busy, queued, outstanding } = pod
      const texts = [
        phase,
        span(nowMs - sinceMs),
        cpuCores === undefined ? "–" : rate(cpuCores),
        String(busy ?? "–"),
        String(queued ?? "–"),
        String(outstanding ?? "–"),
        String(restarts),
      ]
      for (const [index, text] of texts.entries()) {
        const cell = row.children[index + 1]
        if (cell !== undefined) say(cell, text)
      }
      row.dataset.phase = phase
      hide(row)
    },
  )
}
