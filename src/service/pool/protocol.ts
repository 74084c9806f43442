/** What the main thread and a worker say to each other. */
import type { RawInput } from "../operation.ts"
import type { Encoding, Fault, Outcome } from "../outcome.ts"

export interface WorkerSetup {
  /** The module whose default export is the service. */
  readonly moduleUrl: string
  /** The operations that this worker may be asked for; their `setup` runs. */
  readonly operations: readonly string[]
  /** See {@link Flag}. */
  readonly flags: SharedArrayBuffer
  readonly nice: number
}

/**
 * Shared words that both threads read and write while the worker's event loop is busy.
 * Each holds a task's id; 0 is nobody's.
 */
export const Flag = {
  /** The main thread: stop this task. */
  cancel: 0,
  /** The worker: this task's `run` has begun, so it must not be given to another worker. */
  begun: 1,
} as const
export const flagBytes = 2 * Int32Array.BYTES_PER_ELEMENT

export type ToWorker =
  | {
      readonly type: "run"
      readonly id: number
      readonly operation: string
      readonly input: RawInput
      readonly requestId: string
      /** On the clock of `Date.now()`, the only one that threads share. */
      readonly deadlineAtMs: number
      readonly encoding: Encoding | undefined
    }
  | { readonly type: "cancel"; readonly id: number }
  | { readonly type: "pull"; readonly id: number; readonly count: number }
  | { readonly type: "stop" }

export type LogLevel = "debug" | "info" | "warn" | "error"

/** The outcomes that a worker itself can tell of. */
export type WorkerOutcome = Extract<Outcome, { kind: "done" | "problem" | "error" }>

export type FromWorker =
  | { readonly type: "ready"; readonly nativeThreadId: number | undefined }
  | {
      readonly type: "outcome"
      readonly id: number
      readonly outcome: WorkerOutcome
      /** CPU time that the task took on the worker's thread. */
      readonly cpuMs: number
    }
  | { readonly type: "item"; readonly id: number; readonly json: string }
  | {
      readonly type: "log"
      readonly requestId: string
      readonly level: LogLevel
      readonly message: string
      readonly fields: Readonly<Record<string, unknown>> | undefined
    }

export function toFault(thrown: unknown): Fault {
  if (thrown instanceof Error) {
    const cause = thrown.cause instanceof Error ? `\ncaused by ${thrown.cause.stack}` : ""
    return { message: thrown.message, stack: `${thrown.stack}${cause}` }
  }
  return { message: `thrown: ${String(thrown)}`, stack: undefined }
}
