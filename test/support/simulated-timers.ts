/**
 * Timers that a test moves on. Node's own (`mock.timers`) take away another timer when one that is over
 * is stopped, which is what careful code does.
 */
import type { TestContext } from "node:test"

class SimulatedTimer {
  readonly atMs: number
  readonly run: () => void

  constructor(atMs: number, run: () => void) {
    this.atMs = atMs
    this.run = run
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

export interface SimulatedTimers {
  /** Moves the time on by so much, and runs what is due by then, in order. */
  tick(ms: number): void
  /** From now on there are real timers again. Those that were not due never run. */
  end(): void
}

/** Replaces `setTimeout` and `clearTimeout` until the test ends. Real timers go on, and can be stopped. */
export function simulatedTimers(t: TestContext): SimulatedTimers {
  let nowMs = 0
  const waiting = new Set<SimulatedTimer>()
  const set = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
    const timer = new SimulatedTimer(nowMs + ms, () => run(...args))
    waiting.add(timer)
    return timer
  }
  const { clearTimeout: clearReal } = globalThis
  const clear = (timer: unknown) => {
    if (timer instanceof SimulatedTimer) waiting.delete(timer)
    else clearReal(timer as NodeJS.Timeout)
  }
  const mocked = [
    t.mock.method(globalThis, "setTimeout", set as unknown as typeof setTimeout),
    t.mock.method(globalThis, "clearTimeout", clear as typeof clearTimeout),
  ]
  return {
    tick(ms) {
      const untilMs = nowMs + ms
      for (;;) {
        const [next] = [...waiting].toSorted((a, b) => a.atMs - b.atMs)
        if (next === undefined || next.atMs > untilMs) break
        nowMs = next.atMs
        waiting.delete(next)
        next.run()
      }
      nowMs = untilMs
    },
    end() {
      for (const { mock } of mocked) mock.restore()
    },
  }
}
