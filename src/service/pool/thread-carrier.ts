/** A worker that is a thread of this process. */

import { readFileSync } from "node:fs"
import type { EventLoopUtilization } from "node:perf_hooks"
import { setTimeout as pause } from "node:timers/promises"
import { Worker } from "node:worker_threads"
import { programUrl } from "../../core/program.ts"
import type { Carrier, CarrierEvents } from "./carrier.ts"
import { isOutOfMemory, outOfMemory } from "./out-of-memory.ts"
import { Flag, type FromWorker, flagBytes, type ToWorker, type WorkerSetup } from "./protocol.ts"
import { heapLimitMiB, ThreadMemory } from "./thread-memory.ts"
import type { WorkerOptions } from "./worker-contract.ts"

/** A worker inherits the options of `node --input-type=module --eval …`, and can't run a file with them. */
const isEvaluated = process.execArgv.some((arg) => arg.startsWith("--input-type"))

const entry = programUrl("./worker", import.meta.url)

/** A loop that has waited for more than this share of the time waits. */
const waitingShare = 0.5

/** So often it has to answer before it is held to compute for good. */
const answersMax = 5
const answerPauseMs = 100

export class ThreadCarrier implements Carrier {
  readonly flags: Int32Array
  readonly sharesMemory = true
  readonly memory: ThreadMemory
  readonly #worker: Worker
  #mark: EventLoopUtilization | undefined

  constructor(options: WorkerOptions, events: CarrierEvents) {
    const { moduleUrl, operations, required, nice, memoryMiB } = options
    const flags = new SharedArrayBuffer(flagBytes)
    this.flags = new Int32Array(flags)
    const setup: WorkerSetup = { moduleUrl, operations, required, nice }
    this.#worker = new Worker(entry, {
      name: "capstan",
      workerData: { setup, flags },
      ...(isEvaluated ? { execArgv: [] } : {}),
      resourceLimits: { maxOldGenerationSizeMb: heapLimitMiB(memoryMiB) },
    })
    this.memory = new ThreadMemory(this.#worker, options)
    this.#worker.on("message", (message: FromWorker) => events.message(message))
    this.#worker.on("messageerror", (error) => events.unreadable(error))
    this.#worker.on("error", (error) => {
      events.failed(isOutOfMemory(error) ? outOfMemory(options, "The worker") : error)
    })
    this.#worker.on("exit", (code) => events.exited({ code, signal: undefined }))
  }

  post(message: ToWorker, transfer: readonly ArrayBuffer[]): void {
    if (transfer.length === 0) this.#worker.postMessage(message)
    else this.#worker.postMessage(message, [...transfer])
  }

  terminate(): void {
    if (Atomics.load(this.flags, Flag.addons) === 0) void this.#worker.terminate()
    else void this.#endBesideAddons()
  }

  /**
   * Native code that returns into a thread that was ended meanwhile can make no objects there, and aborts
   * the process. So a thread with an addon ends itself at the next turn of its loop. One that has no
   * next turn because it computes in JavaScript shows that by answering, which native code does not.
   */
  async #endBesideAddons(): Promise<void> {
    const worker = this.#worker
    worker.postMessage({ type: "exit" } satisfies ToWorker)
    try {
      for (let answers = 0; answers < answersMax; answers++) {
        await worker.getHeapStatistics()
        await pause(answerPauseMs, undefined, { ref: false })
      }
      await worker.terminate()
    } catch {
      // It is gone.
    }
  }

  unref(): void {
    this.#worker.unref()
  }

  /** About 80 µs. */
  cpuMs(nativeThreadId: number | undefined): number | undefined {
    if (nativeThreadId === undefined) return undefined
    try {
      const stat = readFileSync(`/proc/self/task/${nativeThreadId}/schedstat`, "utf8")
      return Number(stat.split(" ", 1)[0]) / 1e6
    } catch {
      return undefined
    }
  }

  mark(): void {
    this.#mark = this.#worker.performance.eventLoopUtilization()
  }

  /**
   * By its event loop. One that waits in a system call beside its loop, for a child process say, has
   * not: nothing else can run there either.
   */
  waited(): boolean {
    if (this.#mark === undefined) return false
    const { idle, active } = this.#worker.performance.eventLoopUtilization(this.#mark)
    return idle > waitingShare * (idle + active)
  }
}
