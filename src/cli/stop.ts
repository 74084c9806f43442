/**
 * How a serving process ends.
 *
 * The first SIGTERM or SIGINT drains: what was admitted is answered, and the process exits with 0.
 * A second one ends it at once, with the code that shells give to a process ended by that signal.
 */
import { constants } from "node:os"

export interface Stopping {
  /** Undefined while there is nothing to drain yet: then the first signal ends the process at once. */
  drain(): Promise<void> | undefined
  /** Told what happens, for the log. */
  said(event: "draining" | "drained" | "second signal, ending at once"): void
}

const signals = ["SIGTERM", "SIGINT"] as const

/**
 * Ctrl-C under `npm run` arrives twice: once from the terminal, once passed on by npm. A person who
 * presses it a second time takes longer than this.
 */
const sameCtrlCMs = 100

/**
 * Resolves when this process has been told to stop and is drained; rejects when the drain failed. To
 * be called before anything slow: process 1 of a container ignores signals that have no handler.
 */
export function stoppedBySignal({ drain, said }: Stopping): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let firstAtMs: number | undefined
  const stop = (signal: (typeof signals)[number]): void => {
    const code = 128 + constants.signals[signal]
    const nowMs = performance.now()
    if (firstAtMs !== undefined) {
      if (signal === "SIGINT" && nowMs - firstAtMs < sameCtrlCMs) return
      said("second signal, ending at once")
      process.exit(code)
    }
    firstAtMs = nowMs
    const drained = drain()
    if (drained === undefined) process.exit(code)
    said("draining")
    resolve(drained.then(() => said("drained")))
  }
  for (const signal of signals) process.on(signal, stop)
  return promise
}
