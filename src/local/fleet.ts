/**
 * The replicas: as many as are wanted, of the newest version that can be served.
 *
 * A version is started whole beside the one that serves. When all of its replicas are ready it takes
 * over, and the one before drains; when one of them can't start, the version is given up and the one
 * before goes on as it was. What is on the disk by then is not what serves, so a replica that the
 * serving version loses can't be had again. While a new version is being started, those of it that
 * are ready stand in for what is missing; once it was given up, it is tried again, later and later.
 * Where nothing serves, there is nothing to protect: whatever is ready serves at once, and each
 * replica that fails is started over by itself.
 *
 * Few replicas start at once: starting takes CPU, which those that serve need just then, and the first
 * one that is ready helps more than several that are half started.
 */
import { backoffMs } from "../core/backoff.ts"
import type { Clock } from "../core/clock.ts"
import type { RunningProbes } from "../core/probes.ts"
import type { LocalEvent } from "./events.ts"
import type { Serving, StartFailure } from "./messages.ts"
import { Replica, type Traffic } from "./replica.ts"
import type { Program } from "./replica-process.ts"

export interface FleetOptions {
  readonly program: Program
  readonly traffic: Traffic
  readonly probes: RunningProbes
  /** How many may be starting at once. */
  readonly startingMax: number
  readonly startMsMax: number
  readonly clock: Clock
  readonly told: (event: LocalEvent) => void
}

/** Nothing serves, and nothing will. */
export class StartError extends Error {
  override readonly name = "StartError"
  readonly failure: StartFailure

  constructor(failure: StartFailure) {
    super(failure.lines.join("\n"))
    this.failure = failure
  }
}

/** Replicas that drain. Each is a process; past the bound, the oldest one's requests are cut off. */
const leavingMax = 64

/** Which of them go first. */
const rank = { pending: 0, failed: 1, starting: 2, unready: 3, ready: 4, draining: 5, gone: 6 }

export class Fleet {
  readonly #options: FleetOptions
  readonly #started = Promise.withResolvers<void>()
  #wanted: number
  #version = 0
  #made = 0
  /** Of the version that serves, oldest first. */
  #serving: readonly Replica[] = []
  /** Of the version that is being started beside it. */
  #next: readonly Replica[] | undefined
  #nextSinceMs = 0
  readonly #leaving = new Set<Replica>()
  /** What is on the disk can't be served. */
  #isBroken = false
  #brokenInARow = 0
  #lastFailure = ""
  #retryTimer: NodeJS.Timeout | undefined
  #hasServed = false
  #shedByGone = 0
  #closed: (() => void) | undefined

  constructor(options: FleetOptions, wanted: number) {
    this.#options = options
    this.#wanted = wanted
    // Whoever does not wait for it is told by events.
    this.#started.promise.catch(() => {})
  }

  /** Resolves when the first replica serves, or it is closed. @throws {StartError} when none does. */
  async start(): Promise<void> {
    this.reload()
    await this.#started.promise
  }

  get wanted(): number {
    return this.#wanted
  }

  /** Those that get requests or are to get them, and are not on their way out. */
  get serving(): readonly Replica[] {
    return [...this.#serving, ...this.#standIns()]
  }

  /** Of the version that is being started, those that get no requests yet. */
  get next(): readonly Replica[] {
    return (this.#next ?? []).filter((replica) => !isStandIn(replica))
  }

  get leaving(): readonly Replica[] {
    return [...this.#leaving]
  }

  get version(): number {
    return this.#version
  }

  /** Refused since the start, by those that are gone too. */
  get shedTotal(): number {
    const there = [...this.serving, ...this.next, ...this.#leaving]
    return there.reduce((sum, { shedTotal }) => sum + shedTotal, this.#shedByGone)
  }

  scaleTo(wanted: number): void {
    this.#wanted = wanted
    this.#fit()
  }

  /** The source has changed. */
  reload(): void {
    if (this.#closed !== undefined) return
    this.#brokenInARow = 0
    // Somebody has done something about it, and wants to know.
    this.#lastFailure = ""
    this.#rollOut()
  }

  /** Ends every process. Requests must be over by then. */
  async close(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#closed = resolve
    // Who still waits for the first replica need not any more.
    this.#started.resolve()
    clearTimeout(this.#retryTimer)
    const all = [...this.serving, ...this.next, ...this.#leaving]
    for (const replica of all) this.#leaving.add(replica)
    this.#serving = []
    this.#next = undefined
    for (const replica of all) replica.close()
    if (this.#leaving.size > 0) await promise
  }

  #rollOut(): void {
    clearTimeout(this.#retryTimer)
    this.#retryTimer = undefined
    // What is not serving yet would start with another source than its neighbours.
    for (const replica of [...this.next, ...this.#serving.filter((each) => !isUp(each))]) {
      this.#retire(replica)
    }
    this.#serving = this.serving.filter(isUp)
    this.#version += 1
    this.#nextSinceMs = this.#options.clock()
    this.#next = Array.from({ length: this.#wanted }, () => this.#make())
    if (this.#hasServed) {
      this.#options.told({ kind: "rollout", version: this.#version, replicas: this.#wanted })
    }
    this.#startPending()
  }

  /**
   * Of the version that is being started, those that get requests already: what serves has fewer than
   * are wanted and can't have more.
   */
  #standIns(): readonly Replica[] {
    return (this.#next ?? []).filter(isStandIn)
  }

  #standIn(next: readonly Replica[]): void {
    const missing = this.#wanted - this.serving.filter(isUp).length
    const able = next.filter((replica) => isUp(replica) && !isStandIn(replica))
    for (const replica of able.slice(0, Math.max(0, missing))) {
      replica.admit()
      this.#options.told({ kind: "stands-in", replica: replica.name, version: replica.version })
    }
  }

  #takeOver(next: readonly Replica[]): void {
    const before = this.#serving
    this.#serving = next
    this.#next = undefined
    this.#isBroken = false
    this.#brokenInARow = 0
    for (const replica of next) replica.admit()
    for (const replica of before) this.#retire(replica)
    if (this.#hasServed) {
      const tookMs = this.#options.clock() - this.#nextSinceMs
      this.#options.told({ kind: "rolled-out", version: this.#version, tookMs })
    }
    this.#hasServed = true
    this.#started.resolve()
    this.#fit()
  }

  /** Brings the number of replicas to what is wanted. */
  #fit(): void {
    if (this.#closed !== undefined) return
    this.#serving = this.#without(this.#serving, this.#serving.length - this.#wanted)
    if (this.#next !== undefined) {
      this.#next = this.#without(this.#next, this.#next.length - this.#wanted)
      const missing = this.#wanted - this.#next.length
      this.#next = [...this.#next, ...Array.from({ length: missing }, () => this.#make())]
    } else if (!this.#isBroken) {
      const missing = this.#wanted - this.#serving.length
      const made = Array.from({ length: missing }, () => this.#make())
      this.#serving = [...this.#serving, ...made]
      for (const replica of made) replica.admit()
    } else if (this.#serving.length < this.#wanted) this.#retryLater()
    this.#startPending()
    this.#look()
  }

  /** Takes so many away: those that serve least, of these the youngest. */
  #without(replicas: readonly Replica[], count: number): readonly Replica[] {
    if (count <= 0) return replicas
    const going = replicas
      .toReversed()
      .toSorted((a, b) => rank[a.phase] - rank[b.phase])
      .slice(0, count)
    for (const replica of going) this.#retire(replica)
    return replicas.filter((replica) => !going.includes(replica))
  }

  /** Has the version that is being started come far enough? */
  #look(): void {
    const next = this.#next
    if (next === undefined) return
    const isWhole = next.every(isUp)
    const isBetterThanNothing = next.some(isUp) && !this.#serving.some(isUp)
    if (isWhole || isBetterThanNothing) this.#takeOver(next)
    else this.#standIn(next)
  }

  #startPending(): void {
    const all = [...this.serving, ...this.next]
    let starting = all.filter(({ phase }) => phase === "starting").length
    const pending = all.filter(({ phase }) => phase === "pending")
    // One that fails again and again does not keep others from their first try.
    pending.sort((a, b) => a.failuresInARow - b.failuresInARow)
    for (const replica of pending) {
      if (starting >= this.#options.startingMax) break
      replica.start()
      starting += 1
    }
  }

  #make(): Replica {
    const { program, startMsMax, probes, traffic, clock, told } = this.#options
    this.#made += 1
    const name = `replica-${this.#made}`
    const parts = { name, version: this.#version, program, startMsMax, probes, traffic, clock }
    const replica: Replica = new Replica(parts, {
      imports: (path) => told({ kind: "imports", path }),
      line: (text) => told({ kind: "line", replica: name, text }),
      slow: (afterMs) => told({ kind: "slow", replica: name, afterMs, startMsMax }),
      readiness: (isReady) => told({ kind: "readiness", replica: name, isReady }),
      hung: () => told({ kind: "hung", replica: name }),
      cutOff: (afterMs) => told({ kind: "cut-off", replica: name, afterMs }),
      serving: (serving, tookMs) => this.#served(replica, serving, tookMs),
      ended: (how, failure) => this.#ended(replica, how, failure),
      gone: () => this.#gone(replica),
    })
    return replica
  }

  #served(replica: Replica, serving: Serving, tookMs: number): void {
    const { name, restarts } = replica
    this.#options.told({ kind: "ready", replica: name, tookMs, restarts, serving })
    this.#look()
    this.#startPending()
  }

  #ended(replica: Replica, how: string, failure: StartFailure | undefined): void {
    const next = this.#next ?? []
    const isOfNext = next.includes(replica)
    const protectsWhatServes = isOfNext && this.#serving.some(isUp)
    const haveAllFailed = isOfNext && next.every(({ failuresInARow }) => failuresInARow > 0)
    if (protectsWhatServes || haveAllFailed) {
      this.#giveUp(replica, failure ?? { lines: [`Its process ended: ${how}.`], exitCode: 1 })
      return
    }
    let againInMs: number | undefined
    // With another version on its way, or one on the disk that can't be served, its source is gone.
    const mayRestart = isOfNext || (this.#next === undefined && !this.#isBroken)
    if (mayRestart) {
      const { failuresInARow } = replica
      // After a long life there is no reason to wait.
      againInMs = failuresInARow === 0 ? 0 : backoffMs(failuresInARow)
      replica.again(againInMs, () => this.#startPending())
    } else {
      this.#serving = this.#serving.filter((each) => each !== replica)
      this.#retire(replica)
    }
    this.#tellEnded(replica.name, how, failure, againInMs)
    this.#fit()
  }

  #tellEnded(
    replica: string,
    how: string,
    failure: StartFailure | undefined,
    againInMs: number | undefined,
  ): void {
    const { told } = this.#options
    if (failure === undefined) told({ kind: "died", replica, how, againInMs })
    else told({ kind: "failed", replica, failure, againInMs, isNews: this.#isNews(failure) })
  }

  /** The version that is being started can't be served. */
  #giveUp(replica: Replica, failure: StartFailure): void {
    const { version } = replica
    for (const each of this.#next ?? []) this.#retire(each)
    this.#next = undefined
    if (!this.#hasServed) {
      this.#started.reject(new StartError(failure))
      return
    }
    this.#isBroken = true
    for (const each of this.#serving) if (!isUp(each)) this.#retire(each)
    this.#serving = this.#serving.filter(isUp)
    const stillServing = this.#serving.length
    const againInMs = stillServing < this.#wanted ? this.#retryLater() : undefined
    this.#options.told({
      kind: "rollout-failed",
      version,
      replica: replica.name,
      failure,
      stillServing,
      againInMs,
      isNews: this.#isNews(failure),
    })
  }

  #retryLater(): number | undefined {
    if (this.#retryTimer !== undefined) return undefined
    this.#brokenInARow += 1
    const waitMs = backoffMs(this.#brokenInARow)
    this.#retryTimer = setTimeout(() => this.#rollOut(), waitMs)
    return waitMs
  }

  #isNews({ lines }: StartFailure): boolean {
    const text = lines.join("\n")
    const isNews = text !== this.#lastFailure
    this.#lastFailure = text
    return isNews
  }

  #retire(replica: Replica): void {
    if (this.#leaving.has(replica)) return
    this.#leaving.add(replica)
    if (this.#leaving.size > leavingMax) {
      const [oldest] = this.#leaving
      oldest?.kill()
    }
    if (isUp(replica)) this.#options.told({ kind: "draining", replica: replica.name })
    replica.retire()
  }

  #gone(replica: Replica): void {
    this.#shedByGone += replica.shedTotal
    this.#leaving.delete(replica)
    if (this.#leaving.size === 0) this.#closed?.()
  }
}

function isUp({ phase }: Replica): boolean {
  return phase === "ready" || phase === "unready"
}

function isStandIn(replica: Replica): boolean {
  return replica.isAdmitted && isUp(replica)
}
