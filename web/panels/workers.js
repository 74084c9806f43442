/** The generator's own threads: whether it kept up, and how close each is to its limit. */
import { at, make, say } from "../dom.js"
import { rate, share, time } from "../format.js"
import { showRows } from "../rows.js"

/** @import { Snapshot } from "../../src/load/result.ts" */

/** @param {HTMLTableElement} table @param {Snapshot | null} snapshot @param {boolean} isOpen */
export function showWorkers(table, snapshot, isOpen) {
  if (snapshot === null) {
    say(at("generator"), "Nothing is sent yet.")
    table.hidden = true
    return
  }
  const { generator, threads } = snapshot
  say(at("generator"), generator.limit ?? "The generator keeps up: what is measured is the target.")
  at("generator").classList.toggle("bad", generator.limit !== null)
  table.hidden = false
  if (table.tHead === null) {
    table.createCaption().textContent = "Threads of the generator, in the last second"
    const heads = [
      "Thread",
      "State",
      "Requests a second",
      "Users",
      "CPU",
      "Event loop late",
      "Sent late, p99",
    ]
    table
      .createTHead()
      .append(
        make(
          "tr",
          {},
          ...heads.map((head) =>
            make("th", { scope: "col", class: head === "State" ? "text" : "" }, head),
          ),
        ),
      )
  }
  const users = table.tHead?.rows[0]?.cells[3]
  if (users) say(users, isOpen ? "Waiting" : "Users")
  showRows(
    table.tBodies[0] ?? table.createTBody(),
    threads,
    ({ number }) => String(number),
    ({ number }) => {
      const meter = make("meter", {})
      meter.max = 1
      meter.high = 0.9
      meter.optimum = 0
      return make(
        "tr",
        {},
        make("th", { scope: "row" }, String(number)),
        make("td", { class: "text" }),
        make("td", {}),
        make("td", {}),
        make("td", { class: "metered" }, meter, make("span", {})),
        make("td", {}),
        make("td", {}),
      )
    },
    (row, thread) => {
      const [, state, sent, crowd, cpu, late, lag] = row.children
      if (state) say(state, thread.state)
      if (sent) say(sent, rate(thread.requestsPerS))
      if (crowd) say(crowd, String(thread.users))
      const [meter, text] = cpu?.children ?? []
      if (meter) /** @type {HTMLMeterElement} */ (meter).value = thread.cpuShare
      if (text) say(text, share(thread.cpuShare, 1))
      if (late) say(late, time(thread.loopDelayMs))
      if (lag) say(lag, isOpen ? time(thread.lagP99Ms) : "–")
    },
  )
}
