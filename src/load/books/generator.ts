/**
 * Whether the generator itself was the bottleneck. Everything that is measured passes through its
 * threads, and when one has no time left, its own ceiling looks just like the target's. So each
 * watches itself, and the run says so.
 */
import { performance } from "node:perf_hooks"
import type { Clock } from "../../core/clock.ts"
import { Histogram } from "../../core/histogram.ts"

/** One second of one thread. */
export interface ThreadSecond {
  /** Of one core, 0 to 1. */
  readonly cpuShare: number
  /** For what part of the time there was something to do, 0 to 1; more than that when others take the core. */
  readonly loopShare: number
  /** How long the event loop kept a timer waiting, at the worst. */
  readonly loopDelayMs: number
  /** How late requests were sent: the buckets of a histogram, which add up. */
  readonly lag: readonly (readonly [us: number, count: number])[]
}

/** A thread over the whole run. */
export interface ThreadReport {
  /** From 1. */
  readonly number: number
  readonly requests: number
  readonly cpuShareMean: number
  readonly loopDelayMsMax: number
  /** How late requests were sent, 99th percentile; 0 in the closed model. */
  readonly lagP99Ms: number
}

export interface GeneratorReport {
  readonly threads: number
  readonly seconds: number
  readonly busySeconds: number
  readonly lateSeconds: number
  /** Of the threads' cores, one for each. */
  readonly cpuShareMean: number
  readonly loopDelayMsMax: number
  /** How late requests were sent. All 0 in the closed model, where none is due at a time. */
  readonly lagMs: { readonly p50: number; readonly p99: number; readonly max: number }
  /** Arrivals that were due and could not be sent, because too many waited for their answers. */
  readonly notSent: number
  /** Why the figures say more about the generator than about the target; null when they don't. */
  readonly limit: string | null
}

const busyCpuShare = 0.9
const busyLoopShare = 0.98
const lateMs = 100
/** A second here and there is chance; so large a part of the run, and at least three, is not. */
const limitedShare = 0.2
const limitedSecondsMin = 3

/** The verdict, from counts alone. */
export function generatorLimit({
  seconds,
  busySeconds,
  lateSeconds,
  notSent,
}: Pick<GeneratorReport, "seconds" | "busySeconds" | "lateSeconds" | "notSent">): string | null {
  const isMuch = (count: number): boolean =>
    count >= limitedSecondsMin && count > limitedShare * seconds
  const advice = "What it measured then says more about itself than about the target."
  if (notSent > 0) {
    return `The generator could not send ${notSent} requests that were due, because too many waited for their answers.`
  }
  if (isMuch(busySeconds)) {
    return `The generator had no CPU left in ${busySeconds} of ${seconds} s. ${advice}`
  }
  if (isMuch(lateSeconds)) {
    return `The generator was more than ${lateMs} ms late in ${lateSeconds} of ${seconds} s. ${advice}`
  }
  return null
}

/** Whether a thread had no CPU left in a second: of its own, or because others took its core. */
export function isBusy({
  cpuShare,
  loopShare,
}: Pick<ThreadSecond, "cpuShare" | "loopShare">): boolean {
  return cpuShare > busyCpuShare || loopShare > busyLoopShare
}

/**
 * A watch over how long the event loop keeps a timer waiting. Node's own begins to count at its first
 * tick and forgets a delay that has ended, when it is reset before its next: just what comes right
 * before a second is closed, whose timer waited as long.
 */
class LoopWatch {
  static readonly #everyMs = 10
  readonly #clock: Clock
  readonly #timer = setInterval(() => this.#tick(), LoopWatch.#everyMs).unref()
  #tickedMs: number
  #delayMsMax = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#tickedMs = clock()
  }

  #tick(): void {
    const nowMs = this.#clock()
    this.#delayMsMax = Math.max(this.#delayMsMax, nowMs - this.#tickedMs - LoopWatch.#everyMs)
    this.#tickedMs = nowMs
  }

  /** The longest delay since it was last asked. */
  take(): number {
    this.#tick()
    const delayMs = this.#delayMsMax
    this.#delayMsMax = 0
    return delayMs
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

/** A thread's watch over itself. */
export class ThreadWatch {
  readonly #clock: Clock
  readonly #loop: LoopWatch
  readonly #lag = new Histogram()
  #cpu = process.threadCpuUsage()
  #use = performance.eventLoopUtilization()
  #sinceMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sinceMs = clock()
    this.#loop = new LoopWatch(clock)
  }

  /** A request was sent so long after it was due. */
  late(lagMs: number): void {
    this.#lag.add(lagMs)
  }

  /** Closes a second. */
  second(): ThreadSecond {
    const nowMs = this.#clock()
    const { user, system } = process.threadCpuUsage(this.#cpu)
    const second: ThreadSecond = {
      cpuShare: (user + system) / 1000 / Math.max(1, nowMs - this.#sinceMs),
      loopShare: performance.eventLoopUtilization(this.#use).utilization,
      loopDelayMs: this.#loop.take(),
      lag: this.#lag.total === 0 ? [] : this.#lag.toJSON(),
    }
    this.#cpu = process.threadCpuUsage()
    this.#use = performance.eventLoopUtilization()
    this.#sinceMs = nowMs
    if (this.#lag.total > 0) this.#lag.clear()
    return second
  }

  close(): void {
    this.#loop.close()
  }
}

/** What the threads' seconds come to: of one of them, or of all together. */
export class Generator {
  readonly #lag = new Histogram()
  readonly #secondsLag = new Histogram()
  #seconds = 0
  #busySeconds = 0
  #lateSeconds = 0
  #cpuShareSum = 0
  #cpuShares = 0
  #loopDelayMsMax = 0
  notSent = 0

  /** Closes a second, that of all `threads`; says how late requests were sent in it, at p99. */
  second(threads: readonly ThreadSecond[]): number {
    this.#secondsLag.clear()
    let loopDelayMs = 0
    for (const thread of threads) {
      for (const [us, count] of thread.lag) this.#secondsLag.addUs(us, count)
      this.#cpuShareSum += thread.cpuShare
      this.#cpuShares += 1
      loopDelayMs = Math.max(loopDelayMs, thread.loopDelayMs)
    }
    const lagP99Ms = this.#secondsLag.percentileMs(99)
    if (this.#secondsLag.total > 0) this.#lag.merge(this.#secondsLag)
    this.#seconds += 1
    this.#loopDelayMsMax = Math.max(this.#loopDelayMsMax, loopDelayMs)
    // The work is split evenly, so one thread that is at its end limits all of it.
    if (threads.some(isBusy)) this.#busySeconds += 1
    if (Math.max(loopDelayMs, lagP99Ms) > lateMs) this.#lateSeconds += 1
    return lagP99Ms
  }

  report(threads: number): GeneratorReport {
    const [p50 = 0, p99 = 0] = this.#lag.percentilesMs([50, 99])
    const counts = {
      seconds: this.#seconds,
      busySeconds: this.#busySeconds,
      lateSeconds: this.#lateSeconds,
      notSent: this.notSent,
    }
    return {
      threads,
      ...counts,
      cpuShareMean: this.#cpuShares === 0 ? 0 : this.#cpuShareSum / this.#cpuShares,
      loopDelayMsMax: this.#loopDelayMsMax,
      lagMs: { p50, p99, max: this.#lag.maxMs },
      limit: generatorLimit(counts),
    }
  }
}
