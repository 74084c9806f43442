/** Statistics by name, sorted by any column, and where the time of answers went. */
import { make, say, verb } from "../dom.js"
import { count, rate, share, time } from "../format.js"
import { showRows } from "../rows.js"
import { keyOf } from "./load-charts.js"

/** @import { Snapshot, SnapshotRow } from "../../src/load/result.ts" */
/**
 * @typedef {object} Column
 * @property {string} head
 * @property {(row: SnapshotRow) => string | number} by what it sorts by.
 * @property {(row: SnapshotRow) => string} text
 * @property {(row: SnapshotRow) => boolean} [isBad]
 */

/** @param {50 | 95 | 99} percent @returns {Column} */
const percentile = (percent) => ({
  head: percent === 50 ? "Median" : `p${percent}`,
  by: ({ latency }) => latency.percentilesMs[percent],
  text: ({ latency }) => time(latency.percentilesMs[percent]),
})

/** @type {readonly Column[]} */
const columns = [
  { head: "Name", by: ({ method, name }) => `${name} ${method}`, text: ({ name }) => name },
  { head: "Requests", by: ({ requests }) => requests, text: ({ requests }) => count(requests) },
  {
    head: "Failed",
    by: ({ failures }) => failures,
    text: ({ requests, failures }) =>
      failures === 0 ? "0" : `${count(failures)} (${share(failures, requests)})`,
    isBad: ({ failures }) => failures > 0,
  },
  percentile(50),
  percentile(95),
  percentile(99),
  {
    head: "Average",
    by: ({ latency }) => latency.meanMs,
    text: ({ latency }) => time(latency.meanMs),
  },
  { head: "Min", by: ({ latency }) => latency.minMs, text: ({ latency }) => time(latency.minMs) },
  { head: "Max", by: ({ latency }) => latency.maxMs, text: ({ latency }) => time(latency.maxMs) },
  {
    head: "Size",
    by: ({ meanBytes }) => meanBytes,
    text: ({ meanBytes }) => `${count(meanBytes)} B`,
  },
  {
    head: "Now/s",
    by: ({ currentPerS }) => currentPerS,
    text: ({ currentPerS }) => rate(currentPerS),
  },
  {
    head: "Failed now/s",
    by: ({ currentFailuresPerS }) => currentFailuresPerS,
    text: ({ currentFailuresPerS }) => rate(currentFailuresPerS),
    isBad: ({ currentFailuresPerS }) => currentFailuresPerS > 0,
  },
]

let sortedBy = 1
let isDescending = true
/** @type {Snapshot | null} */
let latest = null

/**
 * @param {HTMLTableElement} table
 * @param {Snapshot | null} snapshot
 * @param {(endpoint: string) => void} chosen the charts of this one are wanted.
 */
export function showStatistics(table, snapshot, chosen) {
  latest = snapshot
  if (table.tHead === null) {
    table.createCaption().textContent = "Requests by name"
    makeHead(table, () => showStatistics(table, latest, chosen))
  }
  for (const [index, cell] of [...(table.tHead?.rows[0]?.cells ?? [])].entries()) {
    if (index !== sortedBy) cell.removeAttribute("aria-sort")
    else cell.ariaSort = isDescending ? "descending" : "ascending"
  }
  const by = columns[sortedBy]?.by ?? (() => 0)
  const rows = (snapshot?.rows ?? []).toSorted((a, b) => {
    const [x, y] = [by(a), by(b)]
    const order = x < y ? -1 : x > y ? 1 : 0
    return isDescending ? -order : order
  })
  const key = (/** @type {SnapshotRow} */ { method, name }) => keyOf(method, name)
  const body = table.tBodies[0] ?? table.createTBody()
  showRows(body, rows, key, (row) => line(row, () => chosen(key(row))), fill)
  const foot = table.tFoot ?? table.createTFoot()
  showRows(foot, snapshot === null ? [] : [aggregate(snapshot)], key, (row) => line(row), fill)
}

/** @param {Snapshot} snapshot @returns {SnapshotRow} */
function aggregate({ point, total }) {
  return {
    ...total,
    currentPerS: point.requestsPerS,
    currentFailuresPerS: point.failuresPerS,
    currentPercentilesMs: point.percentilesMs,
  }
}

/** @param {HTMLTableElement} table @param {() => void} sorted */
function makeHead(table, sorted) {
  const row = table.createTHead().insertRow()
  for (const [index, { head }] of columns.entries()) {
    const button = make("button", { type: "button" }, head)
    button.addEventListener("click", () => {
      isDescending = sortedBy === index ? !isDescending : index > 0
      sortedBy = index
      sorted()
    })
    row.append(make("th", { scope: "col" }, button))
  }
}

/** @param {SnapshotRow} row @param {() => void} [chosen] */
function line({ method, name }, chosen) {
  const head = make("th", { scope: "row" }, ...(method === "" ? [] : [verb(method)]))
  if (chosen === undefined) head.append(name)
  else {
    const button = make("button", { type: "button", class: "link", title: "Its charts" }, name)
    button.addEventListener("click", chosen)
    head.append(button)
  }
  return make("tr", {}, head, ...columns.slice(1).map(() => make("td", {})))
}

/** @param {HTMLElement} element @param {SnapshotRow} row */
function fill(element, row) {
  for (const [index, { text, isBad }] of columns.entries()) {
    const cell = element.children[index]
    if (index === 0 || cell === undefined) continue
    say(cell, text(row))
    cell.classList.toggle("bad", isBad?.(row) === true)
  }
}

const phaseNames = /** @type {const} */ ({
  connect: "Connecting",
  tls: "TLS",
  firstByte: "To the first byte",
  body: "From the first byte to the last",
})

/** @param {HTMLTableElement} table @param {Snapshot | null} snapshot */
export function showPhases(table, snapshot) {
  if (table.tHead === null) {
    table.createCaption().textContent = "Where the time went, all names together"
    const heads = ["", "Times", "Average", "Median", "p95", "p99", "Max"]
    table
      .createTHead()
      .append(make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head))))
  }
  const phases = Object.entries(phaseNames).flatMap(([key, name]) => {
    const timed = snapshot?.phases[/** @type {keyof typeof phaseNames} */ (key)]
    return timed === undefined || timed.count === 0 ? [] : [{ name, timed }]
  })
  table.hidden = phases.length === 0
  showRows(
    table.tBodies[0] ?? table.createTBody(),
    phases,
    ({ name }) => name,
    ({ name }) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, name),
        ...Array.from("123456", () => make("td", {})),
      ),
    (row, { timed }) => {
      const { meanMs, maxMs, percentilesMs: of } = timed
      const texts = [count(timed.count), ...[meanMs, of[50], of[95], of[99], maxMs].map(time)]
      for (const [index, text] of texts.entries()) {
        const cell = row.children[index + 1]
        if (cell !== undefined) say(cell, text)
      }
    },
  )
}
