/** The tables: statistics, which sort by any column, and failures. */
import { count, rate, share, time } from "./format.js"

/** @import { Snapshot } from "../src/load/result.ts" */
/** @typedef {Snapshot["rows"][number]} Row */
/**
 * @typedef {object} Column
 * @property {string} head
 * @property {(row: Row) => string | number} by what it sorts by.
 * @property {(row: Row) => string} text
 * @property {(row: Row) => boolean} [isBad]
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

/** @param {HTMLTableElement} table @param {Snapshot | null} snapshot */
export function showStatistics(table, snapshot) {
  if (table.tHead === null) makeHead(table, () => showStatistics(table, latest))
  latest = snapshot
  for (const [index, cell] of [...(table.tHead?.rows[0]?.cells ?? [])].entries()) {
    if (index !== sortedBy) cell.removeAttribute("aria-sort")
    else cell.ariaSort = isDescending ? "descending" : "ascending"
  }
  const by = columns[sortedBy]?.by ?? (() => 0)
  const rows = [...(snapshot?.rows ?? [])].sort((a, b) => {
    const [x, y] = [by(a), by(b)]
    const order = x < y ? -1 : x > y ? 1 : 0
    return isDescending ? -order : order
  })
  const body = table.tBodies[0] ?? table.createTBody()
  body.replaceChildren(...rows.map(line))
  const foot = table.tFoot ?? table.createTFoot()
  if (snapshot === null) foot.replaceChildren()
  else {
    const { point, total } = snapshot
    foot.replaceChildren(
      line({
        ...total,
        currentPerS: point.requestsPerS,
        currentFailuresPerS: point.failuresPerS,
      }),
    )
  }
}

/** @type {Snapshot | null} */
let latest = null

/** @param {HTMLTableElement} table @param {() => void} sorted */
function makeHead(table, sorted) {
  const row = table.createTHead().insertRow()
  for (const [index, { head }] of columns.entries()) {
    const cell = document.createElement("th")
    cell.scope = "col"
    const button = document.createElement("button")
    button.type = "button"
    button.textContent = head
    button.addEventListener("click", () => {
      isDescending = sortedBy === index ? !isDescending : index > 0
      sortedBy = index
      sorted()
    })
    cell.append(button)
    row.append(cell)
  }
}

/** @param {Row} row */
function line(row) {
  const element = document.createElement("tr")
  for (const { text, isBad } of columns) {
    const cell = element.insertCell()
    cell.textContent = text(row)
    if (isBad?.(row)) cell.className = "bad"
  }
  if (row.method !== "") element.cells[0]?.prepend(verb(row.method))
  return element
}

/** @param {string} method */
function verb(method) {
  const element = document.createElement("span")
  element.className = "verb"
  element.textContent = method
  return element
}

/** @param {HTMLTableElement} table @param {Snapshot["failures"]} failures */
export function showFailures(table, failures) {
  // An example that is open must not be closed by the next second.
  const open = new Set(
    [...table.querySelectorAll("details[open]")].map((details) => details.getAttribute("data-key")),
  )
  if (table.tHead === null) {
    table.createTHead().innerHTML =
      '<tr><th scope="col"><button disabled>Times</button></th><th scope="col" class="text"><button disabled>Request</button></th><th scope="col" class="text"><button disabled>What went wrong</button></th><th scope="col"><button disabled>First</button></th><th scope="col"><button disabled>Last</button></th></tr>'
  }
  const body = table.tBodies[0] ?? table.createTBody()
  body.replaceChildren(
    ...failures.map((failure) => {
      const row = document.createElement("tr")
      row.insertCell().textContent = count(failure.occurrences)
      const name = row.insertCell()
      name.className = "text"
      name.textContent = failure.name
      if (failure.method !== "") name.prepend(verb(failure.method))
      const what = row.insertCell()
      what.className = "text wrap"
      what.textContent = failure.error
      if (failure.example !== "") {
        const key = `${failure.method} ${failure.name} ${failure.error}`
        const details = document.createElement("details")
        details.dataset.key = key
        details.open = open.has(key)
        details.innerHTML = "<summary>an example</summary><pre></pre>"
        details.lastElementChild?.append(failure.example)
        what.append(details)
      }
      for (const ms of [failure.firstSeenMs, failure.lastSeenMs]) {
        row.insertCell().textContent = new Date(ms).toLocaleTimeString("en-GB")
      }
      return row
    }),
  )
  table.hidden = failures.length === 0
}
