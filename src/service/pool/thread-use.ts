/**
 * What a worker's thread is at, as seen from outside, because a busy thread can't be asked: the CPU
 * time that it has used, and whether it computes or its event loop waits for something.
 */
import { readFileSync } from "node:fs"
import type { EventLoopUtilization } from "node:perf_hooks"
import type { Worker } from "node:worker_threads"

/** A loop that has waited for more than this share of the time waits. */
const waitingShare = 0.5

export class ThreadUse {
  readonly #worker: Worker
  #nativeThreadId: number | undefined
  #mark: EventLoopUtilization | undefined
  #taskBeganAtMs = 0
  /** CPU time of the thread when its last task had ended, and when it was terminated. */
  #cpuMsBefore = 0
  #cpuMsAtEnd: number | undefined

  constructor(worker: Worker) {
    this.#worker = worker
  }

  /** Its id in the kernel, once it has said it. Linux only. */
  is(nativeThreadId: number | undefined): void {
    this.#nativeThreadId = nativeThreadId
    this.#cpuMsBefore = this.#cpuMs() ?? 0
  }

  taskBegins(nowMs: number): void {
    this.#taskBeganAtMs = nowMs
  }

  taskEnded(cpuMs: number): void {
    this.#cpuMsBefore += cpuMs
  }

  /** It is terminated: afterwards the kernel no longer tells what it has used. */
  ends(): void {
    this.#cpuMsAtEnd = this.#cpuMs()
  }

  /**
   * CPU time that its task has used so far. Without the kernel's word, the time that it has run is the
   * best guess.
   */
  taskCpuMs(): number {
    const cpuMs = this.#cpuMsAtEnd ?? this.#cpuMs()
    if (cpuMs === undefined) return performance.now() - this.#taskBeganAtMs
    return Math.max(0, cpuMs - this.#cpuMsBefore)
  }

  /** Since it began. About 80 µs; `undefined` where the kernel does not tell. */
  #cpuMs(): number | undefined {
    if (this.#nativeThreadId === undefined) return undefined
    try {
      const stat = readFileSync(`/proc/self/task/${this.#nativeThreadId}/schedstat`, "utf8")
      return Number(stat.split(" ", 1)[0]) / 1e6
    } catch {
      return undefined
    }
  }

  /** From here on {@link waited} looks. */
  mark(): void {
    this.#mark = this.#worker.performance.eventLoopUtilization()
  }

  /**
   * Whether its event loop has waited most of the time since the mark. One that waits in a system call
   * beside its loop, for a child process say, has not: nothing else can run there either.
   */
  waited(): boolean {
    if (this.#mark === undefined) return false
    const { idle, active } = this.#worker.performance.eventLoopUtilization(this.#mark)
    return idle > waitingShare * (idle + active)
  }
}
