/**
 * A command that works towards an end, and is told to stop before it is there: by Ctrl-C, by SIGTERM,
 * by a terminal that is closed. What it has started ends, what it has put into temporary folders goes,
 * it says what is there now, and its exit code is the one that shells give to a process ended by that
 * signal. A second signal waits for none of that.
 */
import { Failure } from "./failure.ts"
import { type Heard, isEcho } from "./stop.ts"

const codes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const
type EndingSignal = keyof typeof codes
const signals = Object.keys(codes) as EndingSignal[]

/**
 * Runs `work` with a signal that ends it, and waits until it has ended.
 * @param now what is there once it has been interrupted, and what to do.
 * @throws {Failure} when it has been.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  now: () => string,
): Promise<T> {
  const stop = new AbortController()
  const all: Heard<EndingSignal>[] = []
  const onSignal = (signal: EndingSignal): void => {
    const heard = { signal, atMs: performance.now() }
    const [first] = all
    all.push(heard)
    if (first === undefined) stop.abort()
    else if (!isEcho(first, heard)) process.exit(codes[signal])
  }
  // Whatever else ends the process leaves nothing running either.
  const onExit = (): void => stop.abort()
  for (const signal of signals) process.on(signal, onSignal)
  process.on("exit", onExit)
  try {
    return await work(stop.signal)
  } catch (error) {
    const [first] = all
    if (first === undefined) throw error
    throw new Failure(codes[first.signal], "Interrupted.", now())
  } finally {
    for (const signal of signals) process.off(signal, onSignal)
    process.off("exit", onExit)
  }
}
