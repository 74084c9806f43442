/**
 * Whether V8's helper threads take part in young collections.
 *
 * V8 divides such a collection among a few threads that it has for the whole process. On idle cores
 * that shortens a call that makes much garbage, by up to a fifth. But they run at the common priority,
 * whatever that of the thread whose garbage it is: once every core is busy they gain nothing, and take
 * the main thread's core from it, for a tick of the scheduler at a time. So they help only while there
 * is a core to spare.
 *
 * V8 looks at the flag at the beginning of each collection of any thread, so it can change at any time.
 */
import { setFlagsFromString } from "node:v8"
import { type Clock, monotonicClock } from "../core/clock.ts"
import { availableCores } from "./cpu.ts"

/** For so long after no core was to spare they do not help: load comes and goes quickly. */
const restMs = 1000

export class CollectionHelpers {
  readonly #cores: number
  readonly #set: (flag: string) => void
  readonly #clock: Clock
  #busy = 0
  #lastFullMs = 0
  /** While they do not help: when that is looked at next. */
  #timer: NodeJS.Timeout | undefined

  /** @param cores how many the process may use. */
  constructor(cores: number, set: (flag: string) => void, clock: Clock = monotonicClock) {
    this.#cores = cores
    this.#set = set
    this.#clock = clock
  }

  /** One more worker is busy, or one less. */
  busy(by: 1 | -1): void {
    if (this.#isFull) this.#lastFullMs = this.#clock()
    this.#busy += by
    if (!this.#isFull || this.#timer !== undefined) return
    this.#set("--no-parallel-scavenge")
    this.#lookLater()
  }

  get #isFull(): boolean {
    return this.#cores - this.#busy < 1
  }

  #lookLater(): void {
    this.#timer = setTimeout(() => {
      if (this.#isFull || this.#clock() - this.#lastFullMs < restMs) {
        this.#lookLater()
      } else {
        this.#timer = undefined
        this.#set("--parallel-scavenge")
      }
    }, restMs).unref()
  }
}

/** Whoever started the process may have decided it. */
const isDecided = process.execArgv.some((flag) =>
  /^--(no-)?(parallel[-_]scavenge|single[-_]threaded)/.test(flag),
)

/** For all services of the process, since the flag is. */
export const collectionHelpers = new CollectionHelpers(
  availableCores(),
  isDecided ? () => {} : setFlagsFromString,
)
