/** The way of a worker that is a process: see process-carrier.ts. */
import { once } from "node:events"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { getPriority, setPriority } from "node:os"
import { Worker } from "node:worker_threads"
import { programUrl } from "../../core/program.ts"
import { toFault } from "../fault.ts"
import { Area, type Lifted } from "./area.ts"
import type { Port } from "./port.ts"
import {
  type FromProcess,
  flagBytes,
  isTuple,
  type ProcessSetup,
  type RunMessage,
  type ToWorker,
  type WorkerSetup,
} from "./protocol.ts"

const lifelineEntry = programUrl("./lifeline", import.meta.url)

/** How much sooner the kernel ends a worker than the server, where memory runs out. */
const oomScore = 500

/** The descriptor of the area, behind the lifeline. */
const areaFd = 5

const exit = process.exit.bind(process)

export class ProcessPort implements Port {
  readonly setup: WorkerSetup
  readonly flags: Int32Array
  readonly isThread = false
  readonly #area: Area | undefined
  readonly nativeThreadId = undefined
  /** Before the service's code can change them. */
  readonly #send = process.send!.bind(process)
  readonly #disconnect = process.disconnect!.bind(process)

  /** Waits for what it is to set up, and lowers the process's priority first. */
  static async open(): Promise<ProcessPort> {
    // A terminal and a service manager send these to all of a group: it is the server that decides.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {})
    process.on("disconnect", leave)
    const [setup] = await once(process, "message")
    return new ProcessPort(setup as ProcessSetup)
  }

  private constructor(setup: ProcessSetup) {
    this.setup = setup
    this.#area = setup.hasArea ? new Area(areaFd) : undefined
    lowerPriority(setup.nice)
    goFirst()
    const flags = new SharedArrayBuffer(flagBytes)
    this.flags = new Int32Array(flags)
    new Worker(lifelineEntry, { workerData: flags, execArgv: [], env: {} }).unref()
    process.on("uncaughtExceptionMonitor", this.#tellOfBoot)
    this.#post({ type: "loads" })
  }

  cpuUsage(): NodeJS.CpuUsage {
    return process.cpuUsage()
  }

  post(message: FromProcess, transfer?: ArrayBuffer[]): void {
    this.#post((transfer !== undefined && this.#area?.lift(message)) || message)
  }

  listen(take: (message: ToWorker) => void): void {
    process.off("uncaughtExceptionMonitor", this.#tellOfBoot)
    process.on("message", (message) => take(this.#whole(message as ToWorker | Lifted)))
  }

  receive(): undefined {
    return undefined
  }

  begin([id, , , , , , , , , slot]: RunMessage): boolean {
    this.#post({ type: "began", id, slot })
    return true
  }

  close(): void {
    process.off("disconnect", leave)
    this.#disconnect()
  }

  fail(thrown: unknown): never {
    this.#post({ type: "failed", fault: toFault(thrown) })
    return exit(1)
  }

  #whole(message: ToWorker | Lifted): ToWorker {
    if (isTuple(message) || message.type !== "lifted") return message
    return this.#area?.unlift(message) as ToWorker
  }

  /** What ends it while it boots, it can't catch: the service's code may want to. */
  readonly #tellOfBoot = (thrown: unknown): void => {
    if (process.listenerCount("uncaughtException") === 0) {
      this.#post({ type: "failed", fault: toFault(thrown) })
    }
  }

  #post(message: FromProcess): void {
    // With somebody to tell, a server that is gone is no event of its own: the end of the channel is.
    this.#send(message, undefined, undefined, () => {})
  }
}

/** The server is gone. */
function leave(): void {
  exit(0)
}

/** Each thread that Node has started by now has a priority of its own on Linux. */
function lowerPriority(nice: number): void {
  if (nice === 0) return
  try {
    const ids = process.platform === "linux" ? readdirSync("/proc/self/task") : [process.pid]
    for (const id of ids) setPriority(Number(id), Math.min(19, getPriority(Number(id)) + nice))
  } catch {
    // A sandbox without /proc, or one that forbids it: the worker runs at the common priority.
  }
}

/** Where the machine or the container runs out of memory, the kernel ends this and not the server. */
function goFirst(): void {
  const file = "/proc/self/oom_score_adj"
  try {
    writeFileSync(file, String(Math.min(1000, Number(readFileSync(file, "utf8")) + oomScore)))
  } catch {
    // Outside Linux, or forbidden: the kernel decides by itself.
  }
}
