/**
 * Keeps a service in development served: always by the newest version that works.
 *
 * The supervisor owns the connections' way in; generations (see generation.ts) come and go behind
 * it. At most one is starting and one serving, some drain, and one is idle, ready to start:
 *
 *   change ─▶ start the next one (one that was starting is dropped) ─┬─ ready ─▶ it serves, the one
 *                                                                    │  before it drains
 *                                                                    └─ failed ─▶ said; the one
 *                                                                       before it goes on serving
 *   the serving one dies ─▶ start it again, later and later ─▶ as above, but a failure is tried again
 *
 * A connection goes to the generation that serves. While none does it waits for the one that starts,
 * bounded in number and time; past the bounds, or when nothing is starting, it is answered with what
 * is wrong.
 */
import { backoffMs } from "../../core/backoff.ts"
import { described, type LoadFailure } from "../load-failure.ts"
import type { Whereabouts } from "../whereabouts.ts"
import { FailurePage } from "./failure-page.ts"
import { type Connection, Generation } from "./generation.ts"
import type { Boot } from "./messages.ts"

export interface SupervisorOptions {
  readonly boot: Boot
  /** How long a generation may take to start. */
  readonly startMsMax: number
  /** How long the requests of the one before it may take to finish. */
  readonly drainGraceMs: number
  readonly imports: (path: string) => void
  readonly said: (event: DevEvent) => void
}

/** What there is to tell the person at the terminal. */
export type DevEvent =
  | {
      readonly kind: "serving"
      readonly first: boolean
      readonly where: Whereabouts
      readonly tookMs: number
    }
  | { readonly kind: "failed"; readonly failure: LoadFailure; readonly stillServing: boolean }
  | { readonly kind: "crashed"; readonly how: string; readonly againInMs: number }

/** Each is a process. Past the bound, the oldest one's requests are cut off. */
const drainingMax = 8
const waitingMax = 1_000
const waitMsMax = 10_000
/** A generation that has lived this long has not been crashing. */
const soundMs = 10_000
/** What is still running when Ctrl-C is pressed may take this long. */
const closeGraceMs = 1_000

interface Waiting {
  readonly connection: Connection
  readonly timer: NodeJS.Timeout
}

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #page = new FailurePage()
  readonly #living = new Set<Generation>()
  #idle: Generation | undefined
  #serving: Generation | undefined
  #starting: Generation | undefined
  #startTimer: NodeJS.Timeout | undefined
  #restartTimer: NodeJS.Timeout | undefined
  #waiting: Waiting[] = []
  #wrong = "It is still starting."
  #hasServed = false
  #crashes = 0
  #closed: (() => void) | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
    this.#start()
  }

  /** A connection that nothing was read from. */
  accept(connection: Connection): void {
    // A client that leaves while it waits is no concern of anybody's.
    connection.socket.on("error", () => {})
    if (this.#closed === undefined) this.#dispatch(connection)
    else connection.socket.destroy()
  }

  /** The source has changed. `capstanToo`: what is idle has loaded an older Capstan. */
  changed(capstanToo: boolean): void {
    if (this.#closed !== undefined) return
    if (capstanToo) this.#dropIdle()
    this.#crashes = 0
    this.#start()
  }

  /** Ends every generation. */
  async close(): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      this.#closed = resolve
    })
    clearTimeout(this.#restartTimer)
    clearTimeout(this.#startTimer)
    for (const { connection, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer)
      connection.socket.destroy()
    }
    this.#dropIdle()
    for (const generation of this.#living) generation.drain(closeGraceMs)
    if (this.#living.size > 0) await gone
  }

  #start(): void {
    clearTimeout(this.#restartTimer)
    this.#restartTimer = undefined
    clearTimeout(this.#startTimer)
    this.#starting?.kill()
    const generation = this.#idle?.state === "idle" ? this.#idle : new Generation()
    this.#idle = undefined
    generation.start(this.#options.boot, {
      imports: (path) => this.#options.imports(path),
      ready: (where) => this.#ready(generation, where),
      failed: (failure) => this.#failed(generation, failure),
      gone: (how, untaken) => this.#gone(generation, how, untaken),
    })
    this.#starting = generation
    this.#living.add(generation)
    this.#startTimer = setTimeout(() => {
      this.#failed(generation, endedWhileStarting(`took more than ${this.#options.startMsMax} ms`))
      generation.kill()
    }, this.#options.startMsMax)
  }

  #ready(generation: Generation, where: Whereabouts): void {
    if (generation !== this.#starting) return
    clearTimeout(this.#startTimer)
    this.#starting = undefined
    this.#retire(this.#serving)
    this.#serving = generation
    const first = !this.#hasServed
    this.#hasServed = true
    const tookMs = performance.now() - generation.startedAtMs
    this.#options.said({ kind: "serving", first, where, tookMs })
    this.#redispatchWaiting()
    this.#idle ??= new Generation()
  }

  #retire(generation: Generation | undefined): void {
    generation?.drain(this.#options.drainGraceMs)
    const draining = Array.from(this.#living).filter(({ state }) => state === "draining")
    if (draining.length > drainingMax) draining[0]?.kill()
  }

  #dropIdle(): void {
    this.#idle?.kill()
    this.#idle = undefined
  }

  #failed(generation: Generation, failure: LoadFailure): void {
    if (generation !== this.#starting) return
    clearTimeout(this.#startTimer)
    this.#starting = undefined
    this.#wrong = described(failure).join("\n")
    this.#options.said({ kind: "failed", failure, stillServing: this.#serving !== undefined })
    if (this.#serving === undefined && this.#crashes > 0) this.#startLater()
    else this.#redispatchWaiting()
  }

  #gone(generation: Generation, how: string, untaken: readonly Connection[]): void {
    this.#living.delete(generation)
    if (this.#closed !== undefined) {
      for (const { socket } of untaken) socket.destroy()
      if (this.#living.size === 0) this.#closed()
      return
    }
    if (generation === this.#starting) this.#failed(generation, endedWhileStarting(`ended: ${how}`))
    if (generation === this.#serving) {
      this.#serving = undefined
      if (performance.now() - generation.startedAtMs > soundMs) this.#crashes = 0
      this.#crashes++
      this.#wrong = `It crashed: ${how}. Its output says more.`
      const againInMs = this.#starting === undefined ? this.#startLater() : 0
      this.#options.said({ kind: "crashed", how, againInMs })
    }
    for (const connection of untaken) this.#dispatch(connection)
  }

  #startLater(): number {
    const delayMs = backoffMs(Math.max(1, this.#crashes))
    this.#restartTimer = setTimeout(() => this.#start(), delayMs)
    return delayMs
  }

  #dispatch(connection: Connection): void {
    if (this.#serving !== undefined) {
      this.#serving.take(connection)
      return
    }
    const comes = this.#starting !== undefined || this.#restartTimer !== undefined
    if (!comes || this.#waiting.length >= waitingMax) {
      this.#page.answer(connection.socket, this.#wrong)
      return
    }
    const timer = setTimeout(() => {
      this.#waiting = this.#waiting.filter((waiting) => waiting.connection !== connection)
      this.#page.answer(connection.socket, this.#wrong)
    }, waitMsMax)
    this.#waiting.push({ connection, timer })
  }

  #redispatchWaiting(): void {
    for (const { connection, timer } of this.#waiting.splice(0)) {
      clearTimeout(timer)
      this.#dispatch(connection)
    }
  }
}

function endedWhileStarting(what: string): LoadFailure {
  return {
    exitCode: 1,
    message: `It could not start: its process ${what}.`,
    place: undefined,
    excerpt: undefined,
    hint: undefined,
    calls: [],
  }
}
