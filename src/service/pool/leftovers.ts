/**
 * What a call leaves behind that fails when the call has ended: a promise that nobody awaits and that
 * rejects, a timer or an event that throws, or calls `process.exit`. It must not cost the call that the
 * worker is at by then. So each call runs in an asynchronous context of its own, which everything that
 * it starts inherits: some tenths of a microsecond a call. What fails in the context of the present call
 * ends the worker, as without all this; what fails in another is told under the name of the call that
 * it is from.
 */
import { AsyncLocalStorage } from "node:async_hooks"
import { toFault } from "../fault.ts"
import type { Leftover } from "./protocol.ts"

export type Origin = Pick<Leftover, "operation" | "requestId">

/** What a worker tells of; one that throws again and again would fill the log. */
const toldMax = 10

export class Leftovers {
  readonly #contexts = new AsyncLocalStorage<Origin | undefined>()
  readonly #tell: (leftover: Leftover) => void
  readonly #fail: (thrown: unknown) => never
  readonly #exit = process.exit
  #present: Origin | undefined
  #told = 0
  /** What stopped one from ending the thread. */
  #stopped: Error | undefined

  /**
   * @param tell called with the first ten.
   * @param fail ends the worker because of an error.
   */
  constructor(tell: (leftover: Leftover) => void, fail: (thrown: unknown) => never) {
    this.#tell = tell
    this.#fail = fail
  }

  /** A call begins: what is started from here on, until it ends or another begins, is its own. */
  begins(origin: Origin): void {
    this.#present = origin
    this.#contexts.enterWith(origin)
  }

  /** What follows is of the present call, though it is not of its own doing: it is told something. */
  continues(): void {
    this.#contexts.enterWith(this.#present)
  }

  /** The call that what runs just now is from, though it may have ended. */
  get origin(): Origin | undefined {
    return this.#contexts.getStore()
  }

  ends(): void {
    this.#present = undefined
  }

  /** Ends the worker, whatever the context. */
  exit(): void {
    this.#exit.call(process, 0)
  }

  /** From here on leftovers are told. Until then, whatever fails ends the worker. */
  watch(): void {
    process.on("uncaughtException", (thrown: unknown) => {
      // The service has a handler of its own, which decides.
      if (process.listenerCount("uncaughtException") > 1) return
      if (this.#isPresent()) this.#fail(thrown)
      if (thrown !== this.#stopped) this.#report(thrown)
    })
    process.exit = (code) => {
      if (this.#isPresent()) return this.#exit.call(process, code)
      // It does not return, and something has to be thrown instead.
      this.#stopped = new Error("process.exit was called, and not by the present call.")
      this.#report(this.#stopped)
      throw this.#stopped
    }
  }

  #isPresent(): boolean {
    return this.#present !== undefined && this.#contexts.getStore() === this.#present
  }

  #report(thrown: unknown): void {
    this.#told += 1
    if (this.#told > toldMax) return
    const { operation, requestId } = this.#contexts.getStore() ?? {}
    this.#tell({ type: "leftover", operation, requestId, fault: toFault(thrown) })
  }
}
