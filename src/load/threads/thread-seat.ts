/** A part of a run that a worker thread sends, as the run sees it. The other side is `thread.ts`. */
import { Worker } from "node:worker_threads"
import { programUrl } from "../../core/program.ts"
import type { Plan } from "../config.ts"
import type { Phase } from "../pace/schedule.ts"
import type { ScenarioOrigin } from "../scenario/scenario.ts"
import type { Seat, SeatEvents } from "./seat.ts"
import type { FromThread, ThreadData, ToThread } from "./thread-messages.ts"

const entry = programUrl("./thread", import.meta.url)

/** A thread that is late with its beat is told of as late; what it says comes with the next one. */
const beatPatienceMs = 900
/** How long a thread may take to load the scenario. */
const readyPatienceMs = 30_000
/** What a thread may take to end, beyond the grace that its requests have. */
const stopPatienceMs = 2000

export class ThreadSeat implements Seat {
  readonly ready: Promise<void>
  readonly #worker: Worker
  readonly #events: SeatEvents
  readonly #graceMs: number
  readonly #isReady = Promise.withResolvers<void>()
  #hasBegun = false
  #beaten: (() => void) | undefined
  #isOver = false
  #stopping: NodeJS.Timeout | undefined

  constructor(
    plan: Plan,
    options: { readonly origin: ScenarioOrigin; readonly graceMs: number },
    events: SeatEvents,
  ) {
    const { target, thresholds: _thresholds, ...rest } = plan
    const data: ThreadData = {
      plan: { ...rest, target: target.href },
      origin: options.origin,
      graceMs: options.graceMs,
      hrtimeMs: hrtimeMs() - performance.now(),
    }
    this.#events = events
    this.#graceMs = options.graceMs
    this.ready = this.#isReady.promise
    const patience = setTimeout(() => {
      this.#end(new Error(`it had not loaded the scenario after ${readyPatienceMs / 1000} s`))
    }, readyPatienceMs)
    this.ready.catch(() => {}).finally(() => clearTimeout(patience))
    this.#worker = new Worker(entry, { workerData: data })
    this.#worker.on("message", (message: FromThread) => this.#heard(message))
    this.#worker.on("error", (error: Error) => this.#end(error))
    this.#worker.on("exit", (code) => this.#end(new Error(`it ended by itself, with ${code}`)))
  }

  begin(phase: Phase, endsAtMs: number): void {
    this.#hasBegun = true
    this.#tell({ kind: "begin", phase, endsAtMs })
  }

  enter(phase: Phase): void {
    this.#tell({ kind: "enter", phase })
  }

  beat(): Promise<void> {
    if (this.#isOver || !this.#hasBegun) return Promise.resolve()
    this.#tell({ kind: "beat" })
    return new Promise((resolve) => {
      const patience = setTimeout(resolve, beatPatienceMs)
      this.#beaten = () => {
        clearTimeout(patience)
        resolve()
      }
    })
  }

  stop(): void {
    if (this.#isOver || this.#stopping !== undefined) return
    if (!this.#hasBegun) {
      this.#end(undefined)
      return
    }
    this.#tell({ kind: "stop" })
    this.#stopping = setTimeout(() => {
      this.#end(new Error("it did not end when it was told to"))
    }, this.#graceMs + stopPatienceMs)
  }

  #tell(message: ToThread): void {
    this.#worker.postMessage(message)
  }

  #heard(message: FromThread): void {
    switch (message.kind) {
      case "ready":
        this.#isReady.resolve()
        break
      case "failed":
        this.#end(message.error)
        break
      case "batch":
        this.#events.batch(message.batch)
        break
      case "beat":
        this.#events.beat(message.beat)
        this.#beaten?.()
        break
      case "over":
        this.#events.beat(message.beat)
        this.#end(undefined)
        break
      default:
        message satisfies never
    }
  }

  #end(error: Error | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#stopping)
    this.#isReady.reject(error ?? new Error("it ended before it began"))
    this.#beaten?.()
    void this.#worker.terminate().then(() => this.#events.over(error))
  }
}

/** Of a clock that all threads share. */
function hrtimeMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
