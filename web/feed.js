/**
 * What the server has told: the state, kept up to date by events. Each event has the next number.
 * When one is missing, or says that more has changed than it can tell, the state is fetched whole.
 */
import { connect } from "./connection.js"

/** @import { Greeting, NumberedEvent, PageState, Row } from "../src/load/page/events.ts" */
/** @import { Course } from "../src/load/books/course.ts" */

/** The server keeps at most 7200 points of a course, and thins out old ones; a page does as it does. */
const pointsMax = 9000
const linesMax = 2000

export class Feed {
  /** @type {PageState | undefined} */
  state
  #token
  /** @type {NumberedEvent[]} */
  #waiting = []
  #isFetching = false
  #isStale = false
  #check
  #changed
  #lost

  /**
   * @param {string} token
   * @param {(what: NumberedEvent["kind"]) => void} changed "changed" when all may be another.
   * @param {(isLost: boolean) => void} lost
   */
  constructor(token, changed, lost) {
    this.#token = token
    this.#changed = changed
    this.#lost = lost
    this.#check = connect(
      {
        message: (text) => this.#take(JSON.parse(text)),
        opened: () => lost(false),
        lost: () => lost(true),
      },
      token,
    )
    this.#fetch()
  }

  /** After the page was out of sight: what it missed is fetched. */
  wake() {
    this.#check()
    this.#fetch()
  }

  /**
   * @param {string} action
   * @param {object} [body]
   * @returns {Promise<string | undefined>} what went wrong.
   */
  async send(action, body = {}) {
    try {
      const response = await fetch(action, {
        method: "POST",
        headers: { "content-type": "application/json", "x-capstan-token": this.#token },
        body: JSON.stringify(body),
      })
      return response.ok ? undefined : (await response.json()).error
    } catch {
      return "Capstan does not answer."
    }
  }

  /** @param {NumberedEvent | Greeting} told */
  #take(told) {
    if (told.kind === "hello" || told.kind === "ping") {
      this.#compare(/** @type {Greeting} */ (told))
      return
    }
    const event = /** @type {NumberedEvent} */ (told)
    if (this.state === undefined || this.#isFetching) this.#waiting.push(event)
    else if (event.number > this.state.number + 1) this.#fetch()
    else if (event.number > this.state.number) this.#apply(event)
  }

  /** @param {Greeting} greeting */
  #compare({ session, number }) {
    if (this.state === undefined) return
    // Another process answers now, with another token.
    if (session !== this.state.session) location.reload()
    else if (number !== this.state.number) this.#fetch()
  }

  async #fetch() {
    if (this.#isFetching) {
      this.#isStale = true
      return
    }
    this.#isFetching = true
    try {
      const response = await fetch("state")
      if (!response.ok) throw new Error(response.statusText)
      /** @type {PageState} */
      const state = await response.json()
      if (this.state !== undefined && this.state.session !== state.session) location.reload()
      this.state = state
    } catch {
      // The line tells when it is back, and what has happened meanwhile by its number.
      this.#lost(true)
    }
    this.#isFetching = false
    const waiting = this.#waiting
    this.#waiting = []
    if (this.state === undefined) {
      setTimeout(() => this.#fetch(), 1000)
      return
    }
    this.#changed("changed")
    for (const event of waiting) this.#take(event)
    if (this.#isStale) {
      this.#isStale = false
      this.#fetch()
    }
  }

  /** @param {NumberedEvent} event the next one. */
  #apply(event) {
    const state = /** @type {PageState} */ (this.state)
    if (event.kind === "changed") return void this.#fetch()
    /** @type {PageState} */
    const next = { ...state, number: event.number }
    switch (event.kind) {
      case "second":
        if (state.run === null) break
        if (event.row !== null) append(state.run.course, event.row)
        this.state = { ...next, run: { ...state.run, snapshot: event.snapshot } }
        break
      case "target": {
        const { target } = state
        if (target === null) break
        append(target.course, event.row)
        const fresh = new Map(event.lanes.map((lane) => [lane.name, lane]))
        const lanes = target.lanes.map((lane) => {
          const changed = fresh.get(lane.name)
          fresh.delete(lane.name)
          return changed ?? lane
        })
        this.state = {
          ...next,
          target: {
            ...target,
            reading: event.reading,
            lanes: [...lanes, ...fresh.values()],
            decisions: [...target.decisions, ...event.decisions],
          },
        }
        break
      }
      case "lines": {
        if (state.target === null) break
        const missed = `… ${event.missed} more lines at once than can be shown`
        const note = { atMs: event.lines.at(-1)?.atMs ?? Date.now(), pod: "", text: missed }
        const lines = [
          ...(state.target.lines ?? []),
          ...event.lines,
          ...(event.missed > 0 ? [note] : []),
        ]
        this.state = { ...next, target: { ...state.target, lines: lines.slice(-linesMax) } }
        break
      }
      case "said":
        this.state = { ...next, log: [...state.log, event.said] }
        break
      default:
    }
    // An event of something that this state does not have: it is not the state that it follows.
    if (this.state === state) return void this.#fetch()
    const { run, target } = next
    const points = Math.max(run?.course.timeMs.length ?? 0, target?.course.timeMs.length ?? 0)
    if (points > pointsMax) this.#fetch()
    this.#changed(event.kind)
  }
}

/** In place: a course is long, and there is one more point each second. */
/** @param {Course} course @param {Row} row */
export function append({ timeMs, columns }, row) {
  const times = /** @type {number[]} */ (timeMs)
  const last = times.at(-1)
  if (last !== undefined && row.timeMs <= last) return
  times.push(row.timeMs)
  for (const [name, column] of Object.entries(columns)) {
    const values = /** @type {(number | null)[]} */ (column)
    values.push(row.values[name] ?? null)
  }
}
