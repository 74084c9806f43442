/**
 * What code prints while it is at a call, as lines of the log that have the request's id. A worker's
 * streams write through messages that are answered, which a loop that never yields does not read: what
 * it prints would come out when it ends. A line of the log is a message without an answer.
 */
import type { Writable } from "node:stream"
import type { Origin } from "./leftovers.ts"
import type { LogLevel } from "./protocol.ts"

/**
 * As many lines at once, and in each {@link windowMs}: a loop that only prints must not drown the main
 * thread.
 */
const linesMax = 100
const windowMs = 10

/** Characters of one line; more is cut. */
const lineMax = 65_536

type Write = (level: LogLevel, text: string, origin: Origin) => void

/**
 * From here on, what is printed goes to `write`, if `originOf` knows of a call that it is from, else to
 * where it went before.
 */
export function watchPrinting(originOf: () => Origin | undefined, write: Write): void {
  const pace = new Pace()
  const watch = (stream: Writable, level: LogLevel): void => {
    const print = stream.write.bind(stream) as (...args: unknown[]) => boolean
    stream.write = (chunk: unknown, ...more: unknown[]) => {
      const origin = originOf()
      if (origin === undefined) return print(chunk, ...more)
      const text = typeof chunk === "string" ? chunk : Buffer.from(chunk as Uint8Array).toString()
      const line = text.endsWith("\n") ? text.slice(0, -1) : text
      pace.wait()
      write(level, line.length > lineMax ? `${line.slice(0, lineMax)}…` : line, origin)
      const done = more.at(-1)
      if (typeof done === "function") process.nextTick(done as () => void)
      return true
    }
  }
  watch(process.stdout, "info")
  watch(process.stderr, "warn")
}

class Pace {
  readonly #word = new Int32Array(new SharedArrayBuffer(4))
  #sinceMs = 0
  #lines = 0

  wait(): void {
    const nowMs = performance.now()
    const leftMs = this.#sinceMs + windowMs - nowMs
    if (leftMs > 0 && this.#lines < linesMax) {
      this.#lines += 1
      return
    }
    if (leftMs > 0) Atomics.wait(this.#word, 0, 0, leftMs)
    this.#sinceMs = performance.now()
    this.#lines = 1
  }
}
