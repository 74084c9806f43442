/** The way of a worker that is a thread: see thread-carrier.ts. */
import { readlinkSync } from "node:fs"
import { getPriority, setPriority } from "node:os"
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads"
import type { Port } from "./port.ts"
import {
  claim,
  type FromWorker,
  isGiven,
  type RunMessage,
  type ToWorker,
  type WorkerSetup,
} from "./protocol.ts"

export class ThreadPort implements Port {
  readonly setup: WorkerSetup
  readonly flags: Int32Array
  readonly isThread = true
  readonly nativeThreadId: number | undefined
  readonly #port = parentPort as MessagePort

  /** Lowers the thread's priority first. */
  constructor() {
    const { setup, flags } = workerData as {
      readonly setup: WorkerSetup
      readonly flags: SharedArrayBuffer
    }
    this.setup = setup
    this.flags = new Int32Array(flags)
    this.nativeThreadId = lowerPriority(setup.nice)
  }

  cpuUsage(): NodeJS.CpuUsage {
    return process.threadCpuUsage()
  }

  post(message: FromWorker, transfer?: ArrayBuffer[]): void {
    if (transfer === undefined) this.#port.postMessage(message)
    else this.#port.postMessage(message, transfer)
  }

  listen(take: (message: ToWorker) => void): void {
    this.#port.on("message", take)
  }

  /**
   * It looks into the port only when there is something in it: that takes the port's lock, and a worker
   * that loses the CPU while it has it, as one of low priority does, would hold up the main thread until
   * it gets the CPU back.
   */
  receive(): ToWorker | undefined {
    return isGiven(this.flags) ? receiveMessageOnPort(this.#port)?.message : undefined
  }

  begin([id, , , , , , , , , slot]: RunMessage): boolean {
    return claim(this.flags, { id, slot })
  }

  close(): void {
    this.#port.close()
  }

  fail(thrown: unknown): never {
    throw thrown
  }
}

/**
 * Lowers this thread's priority and returns its id in the kernel. On Linux a thread has a priority
 * of its own; elsewhere it would be the whole process's, so nothing is done.
 */
function lowerPriority(nice: number): number | undefined {
  if (process.platform !== "linux") return undefined
  try {
    const id = Number(readlinkSync("/proc/thread-self").split("/").at(-1))
    if (nice > 0) setPriority(id, Math.min(19, getPriority(id) + nice))
    return id
  } catch {
    // A sandbox without /proc, or one that forbids it: the worker runs at the common priority.
    return undefined
  }
}
