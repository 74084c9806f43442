/**
 * What a worker's thread is at, as seen from outside, because a busy thread can't be asked: the CPU
 * time that it has used, and whether it computes or its event loop waits for something.
 */
import { readFileSync } from "node:fs"
import type { EventLoopUtilization } from "node:perf_hooks"
import type { Worker } from "node:worker_threads"

/**
 * - `waits`: its event loop has waited most of the time.
 * - `computes`: it has kept its thread busy, or waits in a system call beside its loop, for a child
 *   process say: nothing else can run there either.
 * - `unclear`: it wanted the CPU and has not got enough of it yet to show what it does.
 */
export type Activity = "waits" | "computes" | "unclear"

/** A thread whose loop has waited for more than this share of the time waits. */
const waitingShare = 0.5
/** A thread that has used so much CPU since the mark, and did not wait, computes. */
const computingCpuMs = 50
/** It is looked at for so long at least. */
const lookMsMin = 50
/** A thread that is unclear for longer is taken to compute. */
const unclearMsMax = 10_000

/** In milliseconds: how long a thread has run, and how long it has waited for a CPU to run on. */
interface KernelTimes {
  readonly cpuMs: number
  readonly delayMs: number
}

interface Mark {
  readonly atMs: number
  readonly loop: EventLoopUtilization
  readonly kernel: KernelTimes | undefined
}

/** What was seen of a thread in a time. Without the kernel's word, only how long its loop waited. */
export interface Seen {
  readonly passedMs: number
  readonly loopIdleMs: number
  readonly kernel: KernelTimes | undefined
}

export function activityOf({ passedMs, loopIdleMs, kernel }: Seen): Activity {
  if (passedMs < lookMsMin) return "unclear"
  if (loopIdleMs > waitingShare * passedMs) return "waits"
  // Elsewhere nobody tells whether it got the CPU that it wanted.
  if (kernel === undefined || passedMs > unclearMsMax) return "computes"
  if (kernel.cpuMs > computingCpuMs) return "computes"
  const wantedMs = kernel.cpuMs + kernel.delayMs
  return wantedMs < waitingShare * passedMs ? "computes" : "unclear"
}

export class ThreadUse {
  readonly #worker: Worker
  #nativeThreadId: number | undefined
  #mark: Mark | undefined

  constructor(worker: Worker) {
    this.#worker = worker
  }

  /** Its id in the kernel, once it has said it. Linux only. */
  is(nativeThreadId: number | undefined): void {
    this.#nativeThreadId = nativeThreadId
  }

  /** CPU time since it began. About 80 µs; `undefined` where the kernel does not tell. */
  cpuMs(): number | undefined {
    return this.#kernelTimes()?.cpuMs
  }

  /** {@link activity} is of the time from here on. */
  mark(): void {
    const loop = this.#worker.performance.eventLoopUtilization()
    this.#mark = { atMs: performance.now(), loop, kernel: this.#kernelTimes() }
  }

  activity(): Activity {
    if (this.#mark === undefined) return "unclear"
    const { atMs, loop, kernel } = this.#mark
    const { idle } = this.#worker.performance.eventLoopUtilization(loop)
    const now = this.#kernelTimes()
    return activityOf({
      passedMs: performance.now() - atMs,
      loopIdleMs: idle,
      kernel: kernel &&
        now && { cpuMs: now.cpuMs - kernel.cpuMs, delayMs: now.delayMs - kernel.delayMs },
    })
  }

  #kernelTimes(): KernelTimes | undefined {
    if (this.#nativeThreadId === undefined) return undefined
    try {
      const stat = readFileSync(`/proc/self/task/${this.#nativeThreadId}/schedstat`, "utf8")
      const [ran = 0, delayed = 0] = stat.split(" ").map(Number)
      return { cpuMs: ran / 1e6, delayMs: delayed / 1e6 }
    } catch {
      return undefined
    }
  }
}
