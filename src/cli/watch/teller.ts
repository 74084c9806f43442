/** How a watch is followed: a screenful in a terminal, plain lines elsewhere, JSON for scripts. */
import { printableLine } from "../../core/printable.ts"
import type { LogLine } from "../../kubernetes/watch/log-follow.ts"
import { print, printDocument } from "../print.ts"
import { FullScreen } from "../screen/full-screen.ts"
import { time } from "../screen/lines.ts"
import { isRoutine, shownLine } from "../screen/log-line.ts"
import { Sparing } from "../up/sparing.ts"
import { screen, standing } from "./screen.ts"
import type { WatchState } from "./state.ts"
import { type WatchEvent, wordsOf } from "./words.ts"

export interface Teller {
  tell(event: WatchEvent): void
  /** A line of a replica's log. */
  log(line: LogLine): void
  /** From now on there is something to show. */
  begin(state: () => WatchState | undefined, pageUrl: string | undefined): void
  /** It may have changed. */
  looked(): void
  end(): void | Promise<void>
}

export function createTeller(isJson: boolean): Teller {
  if (isJson) return new JsonTeller()
  return process.stdout.isTTY ? new ScreenTeller() : new LineTeller()
}

class ScreenTeller implements Teller {
  readonly #screen = new FullScreen()

  tell(event: WatchEvent): void {
    const text = noteOf(event)
    if (text !== undefined) this.#screen.note(shownLine(text), atOf(event))
  }

  readonly log = sparingLog((text, atMs) => this.#screen.note(text, atMs))

  begin(state: () => WatchState | undefined, pageUrl: string | undefined): void {
    this.#screen.show((notes, size, nowMs) => {
      const now = state()
      return now === undefined ? "" : screen(now, pageUrl, notes, size, nowMs)
    })
  }

  looked(): void {}

  async end(): Promise<void> {
    await this.#screen.end()
  }
}

class LineTeller implements Teller {
  #state: () => WatchState | undefined = () => undefined
  #stood = ""

  tell(event: WatchEvent): void {
    const text = noteOf(event) ?? syncOf(event)
    if (text !== undefined) this.#line(shownLine(text), atOf(event))
  }

  readonly log = sparingLog((text, atMs) => this.#line(text, atMs))

  begin(state: () => WatchState | undefined, pageUrl: string | undefined): void {
    this.#state = state
    if (pageUrl !== undefined) this.#line(`the live page is at ${pageUrl}`)
    for (const { what, why } of state()?.blind ?? []) this.#line(`${what} are not seen: ${why}`)
    this.looked()
  }

  looked(): void {
    const state = this.#state()
    if (state === undefined || state.outage !== null || !state.isThere) return
    const stands = standing(state)
    if (stands === this.#stood) return
    this.#stood = stands
    this.#line(stands)
  }

  end(): void {}

  #line(text: string, atMs = Date.now()): void {
    print(`${time(atMs)}  ${printableLine(text)}\n`)
  }
}

/** One object a line, each time that something has changed. */
class JsonTeller implements Teller {
  #state: () => WatchState | undefined = () => undefined
  #said = ""

  tell(): void {}

  log(): void {}

  begin(state: () => WatchState | undefined): void {
    this.#state = state
    this.looked()
  }

  looked(): void {
    const state = this.#state()
    if (state === undefined) return
    const { atMs: _, ...rest } = state
    const said = JSON.stringify(rest)
    if (said === this.#said) return
    this.#said = said
    printDocument(`${JSON.stringify(state)}\n`)
  }

  end(): void {}
}

/** Kinds of lines that are told apart. */
const kindsMax = 100

/**
 * Lines of logs that are worth reading along. Under load there may be hundreds a second that differ
 * only in their numbers; of those one a second is told, and how many there were.
 */
function sparingLog(say: (text: string, atMs: number) => void): Teller["log"] {
  const kinds = new Map<string, Sparing>()
  let lastMs = 0
  return ({ atMs, pod, text }) => {
    if (isRoutine(text)) return
    lastMs = atMs
    const line = `${pod}: ${shownLine(text)}`
    const kind = `${pod}: ${shownLine(text).replaceAll(/\d[\d.]*/g, "0")}`
    if (kinds.size >= kindsMax && !kinds.has(kind)) kinds.clear()
    const sparing = kinds.get(kind) ?? new Sparing((lines) => say(lines.join(" "), lastMs))
    kinds.set(kind, sparing)
    sparing.say([line])
  }
}

/** What is no decision; those have a place of their own on the screen. */
function noteOf(event: WatchEvent): string | undefined {
  return event.kind === "sync" ? undefined : wordsOf(event, Date.now())
}

/** A sync that changed nothing and surprised nobody is not worth a line. */
function syncOf(event: WatchEvent): string | undefined {
  if (event.kind !== "sync") return undefined
  const { theirs, differences } = event.sync
  const isNews = theirs.from !== theirs.to || differences.length > 0
  return isNews ? wordsOf(event, Date.now()) : undefined
}

function atOf(event: WatchEvent): number | undefined {
  if (event.kind === "event") return event.atMs
  return event.kind === "sync" ? event.sync.atMs : undefined
}
