/**
 * What `run` sees of the world, on a worker.
 *
 * A synchronous `run` keeps its thread's event loop from turning, so no message and no event can
 * reach it. Its `signal.aborted` therefore reads a word of shared memory that the main thread
 * writes. The `abort` event, for asynchronous code, comes with a message.
 */
import type { Context, Log } from "../operation.ts"
import { Flag, type LogLevel } from "./protocol.ts"

type WriteLog = (
  level: LogLevel,
  message: string,
  fields: Readonly<Record<string, unknown>> | undefined,
) => void

export class RunContext implements Context<unknown> {
  readonly requestId: string
  readonly deadlineAtMs: number
  readonly state: unknown
  readonly log: Log
  readonly #id: number
  readonly #flags: Int32Array
  #controller: AbortController | undefined

  constructor(
    task: { readonly id: number; readonly requestId: string; readonly deadlineAtMs: number },
    state: unknown,
    flags: Int32Array,
    write: WriteLog,
  ) {
    this.#id = task.id
    this.requestId = task.requestId
    this.deadlineAtMs = task.deadlineAtMs
    this.state = state
    this.#flags = flags
    this.log = {
      debug: (message, fields) => write("debug", message, fields),
      info: (message, fields) => write("info", message, fields),
      warn: (message, fields) => write("warn", message, fields),
      error: (message, fields) => write("error", message, fields),
    }
  }

  get cancelled(): boolean {
    return Atomics.load(this.#flags, Flag.cancel) === this.#id
  }

  /** Made when first asked for: most calls never look at it. */
  get signal(): AbortSignal {
    this.#controller ??= this.#makeController()
    return this.#controller.signal
  }

  /** Tells asynchronous code. */
  abort(): void {
    this.#controller?.abort(reason())
  }

  #makeController(): AbortController {
    const controller = new AbortController()
    const isAborted = () => {
      if (!this.cancelled) return false
      // The first look that finds the flag set also fires the event and sets the reason.
      if (!nativeAborted.call(controller.signal)) controller.abort(reason())
      return true
    }
    Object.defineProperties(controller.signal, {
      aborted: { get: isAborted },
      throwIfAborted: {
        value: () => {
          if (isAborted()) throw controller.signal.reason
        },
      },
    })
    return controller
  }
}

const nativeAborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, "aborted")!
  .get as () => boolean

function reason(): DOMException {
  return new DOMException("The answer is no longer wanted.", "AbortError")
}
