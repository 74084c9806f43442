/** What CPU time a worker's tasks take, as seen from outside, because a busy worker can't be asked. */
import type { Carrier } from "./carrier.ts"

export class Use {
  readonly #carrier: Pick<Carrier, "cpuMs">
  #nativeThreadId: number | undefined
  #taskBeganAtMs = 0
  /** CPU time of the worker when its last task had ended, and when it was terminated. */
  #cpuMsBefore = 0
  #cpuMsAtEnd: number | undefined

  constructor(carrier: Pick<Carrier, "cpuMs">) {
    this.#carrier = carrier
  }

  /** It is ready. @param nativeThreadId its id in the kernel, where it has one. Linux only. */
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

  #cpuMs(): number | undefined {
    return this.#carrier.cpuMs(this.#nativeThreadId)
  }
}
