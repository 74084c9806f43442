/** A worker's way to the server, as the worker sees it: from a thread, or from a process of its own. */
import type { FromWorker, RunMessage, ToWorker, WorkerSetup } from "./protocol.ts"

export interface Port {
  readonly setup: WorkerSetup
  /** See `Flag`. */
  readonly flags: Int32Array
  readonly isThread: boolean
  /** Its id in the kernel, where it has a CPU time of its own. */
  readonly nativeThreadId: number | undefined
  /** CPU time that is the worker's: its thread's, or that of its whole process. */
  cpuUsage(): NodeJS.CpuUsage
  /** @throws when the message can't be cloned. */
  post(message: FromWorker, transfer?: ArrayBuffer[]): void
  /** From here on messages are taken, and this keeps the worker alive. */
  listen(take: (message: ToWorker) => void): void
  /** What has come and has not been taken, while nothing can be taken. */
  receive(): ToWorker | undefined
  /** Whether a task that was given is to be begun: not one that was taken back. */
  begin(message: RunMessage): boolean
  /** Ends the worker when nothing is left to do. */
  close(): void
  /** Ends the worker at once, because of an error. */
  fail(thrown: unknown): never
}
