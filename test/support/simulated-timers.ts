/**
 * Timers that a test moves on. Node's own (`mock.timers`) take away another timer when one that is over
 * is stopped, which is what careful code does.
 */
import type { TestContext } from "node:test"

class SimulatedTimer {
  atMs: number
  readonly everyMs: number | undefined
  readonly run: () => void

  constructor(atMs: number, run: () => void, everyMs?: number) {
    this.atMs = atMs
    this.run = run
    this.everyMs = everyMs
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

/**
 * Replaces `setTimeout`, `setInterval` and what stops them until the test ends. Real timers go on,
 * and can be stopped.
 */
export function simulatedTimers(t: TestContext): SimulatedTimers {
  let nowMs = 0
  const waiting = new Set<SimulatedTimer>()
  const add = (timer: SimulatedTimer): SimulatedTimer => {
    waiting.add(timer)
    return timer
  }
  const set = (run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) =>
    add(new SimulatedTimer(nowMs + ms, () => run(...args)))
  const repeat = (run: (...args: unknown[]) => void, ms = 1, ...args: unknown[]) =>
    add(new SimulatedTimer(nowMs + ms, () => run(...args), Math.max(1, ms)))
  const { clearTimeout: clearReal } = globalThis
  const clear = (timer: unknown) => {
    if (timer instanceof SimulatedTimer) waiting.delete(timer)
    else clearReal(timer as NodeJS.Timeout)
  }
  const mocked = [
    t.mock.method(globalThis, "setTimeout", set as unknown as typeof setTimeout),
    t.mock.method(globalThis, "setInterval", repeat as unknown as typeof setInterval),
    t.mock.method(globalThis, "clearTimeout", clear as typeof clearTimeout),
    t.mock.method(globalThis, "clearInterval", clear as typeof clearInterval),
  ]
  return {
    tick(ms) {
      const untilMs = nowMs + ms
      for (;;) {
        const [next] = [...waiting].toSorted((a, b) => a.atMs - b.atMs)
        if (next === undefined || next.atMs > untilMs) break
        nowMs = next.atMs
        if (next.everyMs === undefined) waiting.delete(next)
        else next.atMs += next.everyMs
        next.run()
      }
      nowMs = untilMs
    },
    end() {
      for (const { mock } of mocked) mock.restore()
    },
  }
}
