/**
 * A replica: a name, and the process that serves under it. When the process ends, another one may
 * take its place, as a container is restarted in its pod.
 *
 *   pending ─ start() ─▶ starting ─▶ ready ◀──▶ unready     (readiness probe)
 *      ▲                    │           │          │
 *      └─ again() ─ failed ◀┴───────────┴──────────┘         (its process ended)
 *
 *   retire(), from anywhere ─▶ draining ─▶ gone
 *
 * It gets requests while it is ready and was let in by `admit()`: a new version waits for that until
 * all of it is ready.
 */
import type { Clock } from "../core/clock.ts"
import type { RunningProbes } from "../core/probes.ts"
import type { Balancer } from "./balancer/balancer.ts"
import { cpuTimeMs } from "./cpu-time.ts"
import { type CpuReadings, type CpuSample, sampleOf, withReading } from "./cpu-window.ts"
import type { Figures } from "./figures.ts"
import { Health } from "./health.ts"
import type { Serving, StartFailure } from "./messages.ts"
import { type Program, ReplicaProcess } from "./replica-process.ts"

export type Phase = "pending" | "starting" | "ready" | "unready" | "failed" | "draining" | "gone"

/** What a replica asks of the balancer. */
export type Traffic = Pick<Balancer, "add" | "setReady" | "drain" | "drop">

export interface ReplicaParts {
  readonly name: string
  readonly version: number
  readonly program: Program
  /** How long a process may take to serve. */
  readonly startMsMax: number
  readonly probes: RunningProbes
  readonly traffic: Traffic
  readonly clock: Clock
}

export interface ReplicaEvents {
  imports(path: string): void
  serving(serving: Serving, tookMs: number): void
  /** It is still starting. */
  slow(afterMs: number): void
  readiness(isReady: boolean): void
  hung(): void
  /** Its process ended although nobody asked it to. `failure`: it never served, and this is why. */
  ended(how: string, failure: StartFailure | undefined): void
  cutOff(afterMs: number): void
  line(text: string): void
  /** The last one. */
  gone(): void
}

/** What is left to a process that has nothing more to do. */
const closeMsMax = 3_000
/** When a start is worth a word, as part of the time that it may take. */
const slowShare = 0.1
/** A process that has served this long has not been crashing. */
const soundMs = 10_000

export class Replica {
  readonly name: string
  readonly version: number
  readonly createdAtMs: number
  readonly #parts: ReplicaParts
  readonly #events: ReplicaEvents
  #phase: Phase = "pending"
  #phaseSince = Date.now()
  #readySinceMs: number
  #isReady = false
  #isAdmitted = false
  /** What the balancer knows the process by; none while it does not. */
  #backend: string | undefined
  #process: ReplicaProcess | undefined
  #serving: Serving | undefined
  #health: Health | undefined
  #figures: (Figures & { readonly atMs: number }) | undefined
  #readings: CpuReadings = []
  #processes = 0
  #processStartedAtMs = 0
  #servingSinceMs: number | undefined
  #failuresInARow = 0
  #shedBefore = 0
  #shedNow = 0
  #againTimer: NodeJS.Timeout | undefined
  #slowTimer: NodeJS.Timeout | undefined

  constructor(parts: ReplicaParts, events: ReplicaEvents) {
    this.#parts = parts
    this.#events = events
    this.name = parts.name
    this.version = parts.version
    this.createdAtMs = parts.clock()
    this.#readySinceMs = this.createdAtMs
  }

  get phase(): Phase {
    return this.#phase
  }

  /** When it entered its phase, in milliseconds since 1970. */
  get phaseSince(): number {
    return this.#phaseSince
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Since when `isReady` is what it is. */
  get readySinceMs(): number {
    return this.#readySinceMs
  }

  get restarts(): number {
    return Math.max(0, this.#processes - 1)
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Whether requests were let in. */
  get isAdmitted(): boolean {
    return this.#isAdmitted
  }

  get backend(): string | undefined {
    return this.#backend
  }

  get drainGraceMs(): number {
    return this.#serving?.drainGraceMs ?? 0
  }

  /** How often in a row it has not come far. */
  get failuresInARow(): number {
    return this.#failuresInARow
  }

  /** What it told last; `undefined` when it is silent. */
  get figures(): Figures | undefined {
    return this.#figures
  }

  /** Requests that it has refused. */
  get shedTotal(): number {
    return this.#shedBefore + this.#shedNow
  }

  get cpu(): CpuSample | undefined {
    return sampleOf(this.#readings)
  }

  /** Takes a reading of its CPU time. To be called once a resolution. */
  readCpu(resolutionMs: number): void {
    const { pid } = this
    if (pid === undefined) return
    const atMs = this.#parts.clock()
    const ofSystem = cpuTimeMs(pid)
    // Outside Linux it is what the process says itself, a second old at most.
    const reading =
      ofSystem === undefined
        ? { atMs: this.#figures?.atMs ?? atMs, cpuMs: this.#figures?.cpuMs }
        : { atMs, cpuMs: ofSystem }
    const { cpuMs } = reading
    if (cpuMs === undefined) return
    const startedAtMs = this.#processStartedAtMs
    this.#readings = withReading(
      this.#readings,
      { atMs: reading.atMs, cpuMs },
      startedAtMs,
      resolutionMs,
    )
  }

  start(): void {
    if (this.#phase !== "pending") throw new Error(`A ${this.#phase} replica can't start.`)
    this.#enter("starting")
    this.#processes += 1
    this.#processStartedAtMs = this.#parts.clock()
    let failure: StartFailure | undefined
    const { program, startMsMax } = this.#parts
    const slowMs = startMsMax * slowShare
    this.#slowTimer = setTimeout(() => {
      if (this.#phase === "starting") this.#events.slow(slowMs)
    }, slowMs)
    this.#process = new ReplicaProcess(program, startMsMax, {
      imports: (path) => this.#events.imports(path),
      line: (text) => this.#events.line(text),
      serving: (serving) => this.#served(serving),
      failed: (why) => {
        failure = why
      },
      gone: (how) => this.#ended(how, failure),
    })
  }

  /** Starts over after a while. */
  again(waitMs: number, then: () => void): void {
    if (this.#phase !== "failed") throw new Error(`A ${this.#phase} replica does not start over.`)
    this.#againTimer = setTimeout(() => {
      this.#enter("pending")
      then()
    }, waitMs)
  }

  /** Lets requests in, as soon as it is ready. */
  admit(): void {
    this.#isAdmitted = true
    const { traffic, name } = this.#parts
    if (this.#serving === undefined || this.#backend !== undefined || !this.#isServing()) return
    this.#backend = this.#processes === 1 ? name : `${name}.${this.#processes}`
    traffic.add({ name: this.#backend, origin: new URL(this.#serving.url) })
    if (!this.#isReady) traffic.setReady(this.#backend, false)
  }

  /** Finishes what it has, and goes. */
  retire(): void {
    if (this.#phase === "draining" || this.#phase === "gone") return
    const wasServing = this.#isServing()
    this.#setReady(false)
    this.#enter("draining")
    clearTimeout(this.#againTimer)
    if (this.#process === undefined || this.#process.state === "gone") this.#leave()
    else if (wasServing && this.#backend !== undefined) void this.#drain(this.#backend)
    else this.#process.kill()
  }

  /** Goes without waiting for requests: there are none any more, or time is up. */
  close(): void {
    if (this.#phase !== "draining") {
      this.#setReady(false)
      this.#enter("draining")
    }
    clearTimeout(this.#againTimer)
    if (this.#process === undefined || this.#process.state === "gone") this.#leave()
    else this.#process.drain(closeMsMax)
  }

  kill(): void {
    this.#process?.kill()
  }

  async #drain(backend: string): Promise<void> {
    const graceMs = this.drainGraceMs
    let isLate = false
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        isLate = true
        resolve()
      }, graceMs)
    })
    await Promise.race([this.#parts.traffic.drain(backend), late])
    clearTimeout(timer)
    if (this.#phase === "gone") return
    if (isLate) {
      this.#events.cutOff(graceMs)
      this.kill()
    } else {
      this.#backend = undefined
      this.#process?.drain(closeMsMax)
    }
  }

  #served(serving: Serving): void {
    clearTimeout(this.#slowTimer)
    if (this.#phase !== "starting") {
      this.kill()
      return
    }
    this.#serving = serving
    this.#servingSinceMs = this.#parts.clock()
    this.#enter("ready")
    this.#setReady(true)
    this.#health = new Health(serving.managementUrl, this.#parts.probes, {
      ready: (isReady) => this.#probed(isReady),
      hung: () => {
        this.#events.hung()
        this.kill()
      },
      figures: (figures) => {
        const atMs = this.#parts.clock()
        this.#figures = figures && { ...figures, atMs }
        this.#shedNow = figures?.shedTotal ?? this.#shedNow
      },
    })
    if (this.#isAdmitted) this.admit()
    this.#events.serving(serving, this.#servingSinceMs - this.#processStartedAtMs)
  }

  #probed(isReady: boolean): void {
    if (!this.#isServing()) return
    this.#enter(isReady ? "ready" : "unready")
    this.#setReady(isReady)
    if (this.#backend !== undefined) this.#parts.traffic.setReady(this.#backend, isReady)
    this.#events.readiness(isReady)
  }

  #ended(how: string, failure: StartFailure | undefined): void {
    clearTimeout(this.#slowTimer)
    if (this.#backend !== undefined) this.#parts.traffic.drop(this.#backend)
    this.#backend = undefined
    this.#health?.stop()
    this.#health = undefined
    this.#shedBefore = this.shedTotal
    this.#shedNow = 0
    this.#figures = undefined
    this.#readings = []
    this.#serving = undefined
    if (this.#phase === "draining") {
      this.#leave()
      return
    }
    const servedMs =
      this.#servingSinceMs === undefined ? 0 : this.#parts.clock() - this.#servingSinceMs
    this.#failuresInARow = servedMs > soundMs ? 0 : this.#failuresInARow + 1
    const neverServed = this.#servingSinceMs === undefined
    this.#servingSinceMs = undefined
    this.#setReady(false)
    this.#enter("failed")
    const ended: StartFailure = { lines: [`Its process ended: ${how}.`], exitCode: 1 }
    this.#events.ended(how, neverServed ? (failure ?? ended) : undefined)
  }

  #leave(): void {
    this.#enter("gone")
    this.#events.gone()
  }

  #isServing(): boolean {
    return this.#phase === "ready" || this.#phase === "unready"
  }

  #setReady(isReady: boolean): void {
    if (isReady === this.#isReady) return
    this.#isReady = isReady
    this.#readySinceMs = this.#parts.clock()
  }

  #enter(phase: Phase): void {
    if (phase === this.#phase) return
    this.#phase = phase
    this.#phaseSince = Date.now()
  }
}
