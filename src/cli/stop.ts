/**
 * How a serving process ends.
 *
 * The first SIGTERM or SIGINT drains: what was admitted is answered, and the process exits with 0.
 * A second one ends it at once, with the code that shells give to a process ended by that signal.
 *
 * SIGHUP drains too: its terminal has been closed. It is never the second one, since it can follow
 * whatever else ends a session, and then nobody is in a hurry.
 */
import { constants } from "node:os"

export interface Stopping {
  /** Undefined while there is nothing to drain yet: then the first signal ends the process at once. */
  drain(): Promise<void> | undefined
  /** Told what happens, for the log. */
  said(event: "draining" | "drained" | "second signal, ending at once"): void
}

const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const

/**
 * One wish to stop can arrive twice: Ctrl-C under `npm run` from the terminal and from npm, SIGTERM
 * under timeout(1) to the process and to its group. A person who means it takes longer than this.
 */
const echoMs = 100

export interface Heard<Signal> {
  readonly signal: Signal
  readonly atMs: number
}

/** Whether a signal is the same wish to stop as the first. */
export function isEcho<Signal>(first: Heard<Signal>, { signal, atMs }: Heard<Signal>): boolean {
  return signal === first.signal && atMs - first.atMs < echoMs
}

/**
 * Resolves when this process has been told to stop and is drained; rejects when the drain failed. To
 * be called before anything slow: process 1 of a container ignores signals that have no handler.
 */
export function stoppedBySignal({ drain, said }: Stopping): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const outputs = [process.stdout, process.stderr]
  let first: Heard<(typeof signals)[number]> | undefined
  const stop = (signal: (typeof signals)[number]): void => {
    const code = 128 + constants.signals[signal]
    const heard = { signal, atMs: performance.now() }
    // Nothing can be said any more, and that must not end the drain.
    if (signal === "SIGHUP") for (const stream of outputs) stream.on("error", () => {})
    if (first !== undefined) {
      if (signal === "SIGHUP" || isEcho(first, heard)) return
      said("second signal, ending at once")
      process.exit(code)
    }
    first = heard
    const drained = drain()
    if (drained === undefined) process.exit(code)
    said("draining")
    resolve(drained.then(() => said("drained")))
  }
  for (const signal of signals) process.on(signal, stop)
  return promise
}
