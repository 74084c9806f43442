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

/** For so long after no core was to spare they do not help: under load that comes and goes quickly. */
const restMs = 1000

export class CollectionHelpers {
  readonly #cores: number
  readonly #set: (flag: string) => void
  #help = true
  #fullAtMs = Number.NEGATIVE_INFINITY

  /** @param cores how many the process may use. */
  constructor(cores: number, set: (flag: string) => void = setFlagsFromString) {
    this.#cores = cores
    this.#set = set
  }

  /** So many workers are busy now. To be told whenever one more is. */
  busy(workers: number, nowMs: number): void {
    const isFull = this.#cores - workers < 1
    if (isFull) this.#fullAtMs = nowMs
    const help = !isFull && nowMs - this.#fullAtMs >= restMs
    if (help === this.#help) return
    this.#help = help
    this.#set(help ? "--parallel-scavenge" : "--no-parallel-scavenge")
  }
}
