/**
 * Whether the generator itself was the bottleneck. Everything that is measured passes through this
 * one thread, and when it has no time left, its own ceiling looks just like the target's. So it
 * watches itself, and says so.
 */
import { monitorEventLoopDelay } from "node:perf_hooks"
import type { Clock } from "../core/clock.ts"
import { Histogram } from "../core/histogram.ts"

/** One second of the generator. */
export interface GeneratorSecond {
  /** Of one core, 0 to 1. */
  readonly cpuShare: number
  /** How long the event loop kept a timer waiting, at the worst. */
  readonly loopDelayMs: number
  /** How late requests were sent, 99th percentile. */
  readonly lagP99Ms: number
}

export interface GeneratorReport {
  readonly seconds: number
  readonly busySeconds: number
  readonly lateSeconds: number
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

const loopResolutionMs = 10

export class Generator {
  readonly #clock: Clock
  readonly #loop = monitorEventLoopDelay({ resolution: loopResolutionMs })
  readonly #lag = new Histogram()
  readonly #secondsLag = new Histogram()
  #cpu = process.threadCpuUsage()
  #sinceMs: number
  #seconds = 0
  #busySeconds = 0
  #lateSeconds = 0
  #cpuShareSum = 0
  #loopDelayMsMax = 0
  notSent = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sinceMs = clock()
    this.#loop.enable()
  }

  /** A request was sent so long after it was due. */
  late(lagMs: number): void {
    this.#secondsLag.add(lagMs)
  }

  /** Closes a second. */
  second(): GeneratorSecond {
    const nowMs = this.#clock()
    const { user, system } = process.threadCpuUsage(this.#cpu)
    const second: GeneratorSecond = {
      cpuShare: (user + system) / 1000 / Math.max(1, nowMs - this.#sinceMs),
      loopDelayMs: Math.max(0, this.#loop.max / 1e6 - loopResolutionMs),
      lagP99Ms: this.#secondsLag.percentileMs(99),
    }
    this.#cpu = process.threadCpuUsage()
    this.#sinceMs = nowMs
    this.#loop.reset()
    this.#lag.merge(this.#secondsLag)
    this.#secondsLag.clear()

    this.#seconds += 1
    this.#cpuShareSum += second.cpuShare
    this.#loopDelayMsMax = Math.max(this.#loopDelayMsMax, second.loopDelayMs)
    if (second.cpuShare > busyCpuShare) this.#busySeconds += 1
    if (Math.max(second.loopDelayMs, second.lagP99Ms) > lateMs) this.#lateSeconds += 1
    return second
  }

  report(): GeneratorReport {
    const [p50 = 0, p99 = 0] = this.#lag.percentilesMs([50, 99])
    const counts = {
      seconds: this.#seconds,
      busySeconds: this.#busySeconds,
      lateSeconds: this.#lateSeconds,
      notSent: this.notSent,
    }
    return {
      ...counts,
      cpuShareMean: this.#seconds === 0 ? 0 : this.#cpuShareSum / this.#seconds,
      loopDelayMsMax: this.#loopDelayMsMax,
      lagMs: { p50, p99, max: this.#lag.maxMs },
      limit: generatorLimit(counts),
    }
  }

  close(): void {
    this.#loop.disable()
  }
}
