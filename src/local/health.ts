/**
 * Looks after a process that serves, as a kubelet does: asks its management port by probes, each at
 * its own pace, and once a second what it has to tell of itself.
 */
import type { Probe, RunningProbes } from "../core/probes.ts"
import { ask } from "./ask.ts"
import { type Figures, figuresOf } from "./figures.ts"

export interface HealthEvents {
  /** By the readiness probe, at each change. It begins as ready. */
  ready(isReady: boolean): void
  /** By the liveness probe: it does not answer any more. */
  hung(): void
  /** `undefined`: there was no answer. */
  figures(figures: Figures | undefined): void
}

const figuresEveryMs = 1_000
const figuresTimeoutMs = 900

export class Health {
  readonly #stopping = new AbortController()

  constructor(managementUrl: string, probes: RunningProbes, events: HealthEvents) {
    const { readiness, liveness } = probes
    let isReady = true
    this.#probe(managementUrl, readiness, (isPassed) => {
      if (isPassed === isReady) return
      isReady = isPassed
      events.ready(isReady)
    })
    this.#probe(managementUrl, liveness, (isPassed) => {
      if (!isPassed) events.hung()
    })
    const demand = new URL("/demand", managementUrl)
    const metrics = new URL("/metrics", managementUrl)
    const readyz = new URL("/readyz", managementUrl)
    this.#every(figuresEveryMs, 0, async () => {
      const pages = [demand, metrics, readyz].map((page) => ask(page, figuresTimeoutMs))
      const [told, counted, is] = await Promise.all(pages)
      if (this.#stopping.signal.aborted) return
      events.figures(figuresOf(told?.text, counted?.text, is?.text))
    })
  }

  stop(): void {
    this.#stopping.abort()
  }

  /** Tells what the probe has come to: a success, or as many failures in a row as it takes. */
  #probe(managementUrl: string, probe: Probe, told: (isPassed: boolean) => void): void {
    const url = new URL(probe.path, managementUrl)
    let failures = 0
    const periodMs = probe.periodSeconds * 1000
    this.#every(periodMs, periodMs, async () => {
      const answer = await ask(url, probe.timeoutSeconds * 1000)
      if (this.#stopping.signal.aborted) return
      const isSuccess = answer !== undefined && answer.status >= 200 && answer.status < 400
      failures = isSuccess ? 0 : failures + 1
      if (isSuccess) told(true)
      else if (failures >= probe.failureThreshold) told(false)
    })
  }

  /** Begins each look a period after the last one began, or when that one is over. */
  #every(periodMs: number, firstMs: number, look: () => Promise<void>): void {
    const { signal } = this.#stopping
    let timer: NodeJS.Timeout
    const next = (waitMs: number): void => {
      timer = setTimeout(async () => {
        const beganAtMs = performance.now()
        await look()
        if (!signal.aborted) next(Math.max(0, periodMs - (performance.now() - beganAtMs)))
      }, waitMs)
    }
    next(firstMs)
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true })
  }
}
