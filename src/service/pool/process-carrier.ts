/**
 * A worker that is a process of its own: for code that refuses to run in a thread, or that may take the
 * whole process with it. Its side of it is process-port.ts.
 *
 * Messages go over Node's channel, large bytes by area.ts. Beside it is a pipe, the lifeline, which a
 * thread of the worker's process reads while `run` computes: a task's id in it stops that task, as the
 * shared word of memory does for threads, and its end is that of this process.
 *
 * It leads a group, in which what it starts is as well, so that what has to be ended is ended with all
 * the programs that it has running.
 */
import { type ChildProcess, fork } from "node:child_process"
import { readFileSync } from "node:fs"
import type { Writable } from "node:stream"
import { cpuTimesOf } from "../../core/proc-stat.ts"
import { endGroup } from "../../core/process-group.ts"
import { programUrl } from "../../core/program.ts"
import { toError } from "../fault.ts"
import { type Lifted, openArea } from "./area.ts"
import { type Carrier, type CarrierEnd, type CarrierEvents, unseenMemory } from "./carrier.ts"
import { outOfMemory } from "./out-of-memory.ts"
import { processArgs } from "./process-args.ts"
import {
  claim,
  type FromProcess,
  flagBytes,
  isSlot,
  isTuple,
  type ProcessSetup,
  type ToWorker,
} from "./protocol.ts"
import type { WorkerOptions } from "./worker-contract.ts"

const entry = programUrl("./worker", import.meta.url)

/** How often it is asked how large it is. One that grows faster than that meets the kernel's bound. */
const lookMs = 50
/** One that has used less than this share of a core has waited. */
const computingShare = 0.5
/** How long what a process has said may be on its way when it is gone. */
const lastWordsMs = 1000
const tailMax = 4096
/** Above the bound on its heap: for compiled code, young objects and threads, which are no call's doing. */
const slackMiB = 64
const who = "The worker's process"

export class ProcessCarrier implements Carrier {
  readonly flags = new Int32Array(new SharedArrayBuffer(flagBytes))
  readonly sharesMemory = false
  /** The whole process is looked at instead: see `#look`. */
  readonly memory = unseenMemory
  readonly #events: CarrierEvents
  readonly #options: WorkerOptions
  readonly #area = openArea()
  readonly #child: ChildProcess
  readonly #lifeline: Writable | null
  readonly #looks: NodeJS.Timeout
  /** The end of what it has printed as errors: V8 says there why it aborts. */
  #tail = ""
  /** What it had before it loaded anything of the service's. */
  #ownKiB: number | undefined
  #mark: { readonly atMs: number; readonly cpuMs: number | undefined } | undefined
  /** Nothing of ours runs there that could need memory. */
  #isIdle = false
  #isGone = false

  constructor(options: WorkerOptions, events: CarrierEvents) {
    const { moduleUrl, operations, required, nice, memoryMiB } = options
    this.#events = events
    this.#options = options
    try {
      this.#child = fork(entry, [], {
        serialization: "advanced",
        execArgv: processArgs(process.execArgv, memoryMiB),
        detached: true,
        stdio: ["ignore", "pipe", "pipe", "ipc", "pipe", ...(this.#area ? [this.#area.fd] : [])],
      })
    } catch (error) {
      this.#area?.close()
      throw error
    }
    this.#lifeline = (this.#child.stdio[4] as Writable | null | undefined) ?? null
    this.#looks = setInterval(() => this.#look(), lookMs).unref()
    this.#listen()
    const hasArea = this.#area !== undefined
    const setup: ProcessSetup = { moduleUrl, operations, required, nice, hasArea }
    this.#send(setup)
  }

  post(message: ToWorker, transfer: readonly ArrayBuffer[]): void {
    this.#send((transfer.length > 0 && this.#area?.lift(message)) || message)
    this.#isIdle &&= !isTuple(message)
    if (!isTuple(message) && message.type === "cancel") {
      const word = Buffer.alloc(Int32Array.BYTES_PER_ELEMENT)
      word.writeInt32LE(message.id)
      this.#lifeline?.write(word)
    }
  }

  terminate(): void {
    const { exitCode, signalCode } = this.#child
    if (exitCode === null && signalCode === null) endGroup(this.#child)
  }

  unref(): void {
    this.#child.unref()
    this.#child.channel?.unref()
    for (const stream of this.#child.stdio) (stream as { unref?(): void } | null)?.unref?.()
  }

  /** Of all its threads. */
  cpuMs(): number | undefined {
    const stat = this.#ofKernel("stat")
    return stat === undefined ? undefined : cpuTimesOf(stat).ownMs
  }

  mark(): void {
    this.#mark = { atMs: performance.now(), cpuMs: this.cpuMs() }
  }

  waited(): boolean {
    const cpuMs = this.cpuMs()
    if (this.#mark?.cpuMs === undefined || cpuMs === undefined) return false
    return cpuMs - this.#mark.cpuMs < computingShare * (performance.now() - this.#mark.atMs)
  }

  #send(message: ToWorker | ProcessSetup | Lifted): void {
    // One that could not be started has no channel, and its error is under way.
    if (this.#child.pid === undefined) return
    // With somebody to tell, one that is gone is no event of its own: its exit is.
    this.#child.send(message, () => {})
  }

  #listen(): void {
    const child = this.#child
    child.on("message", (message) => this.#receive(message as FromProcess))
    child.on("error", (error) => {
      this.#events.failed(error)
      if (child.pid === undefined) this.#end({ code: undefined, signal: undefined })
    })
    child.once("exit", (code, signal) => {
      if (code !== 0) endGroup(child)
      const end = { code: code ?? undefined, signal: signal ?? undefined }
      void this.#lastWords(end).then(() => this.#end(end))
    })
    // As what a thread prints, it comes where this process prints.
    child.stdout?.on("data", (chunk: Buffer) => process.stdout.write(chunk))
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#tail = (this.#tail + chunk.toString("latin1")).slice(-tailMax)
      process.stderr.write(chunk)
    })
    this.#lifeline?.on("error", () => {})
  }

  /** User code can reach the channel as well, and send what it likes. */
  #receive(message: FromProcess): void {
    if (typeof message !== "object" || message === null || isTuple(message)) {
      this.#isIdle = true
      this.#events.message(message)
    } else if (message.type === "began") {
      // It can't reach the words itself.
      if (isSlot(message.slot)) claim(this.flags, message)
    } else if (message.type === "lifted") {
      this.#unlift(message)
    } else if (message.type === "loads") {
      this.#ownKiB ??= this.#residentKiB()
    } else if (message.type === "failed") {
      if (typeof message.fault?.message === "string") this.#events.failed(toError(message.fault))
    } else {
      // A spare one may wait for its first task for days.
      if (message.type === "ready") this.#isIdle = true
      this.#events.message(message)
    }
  }

  #unlift(lifted: Lifted): void {
    try {
      if (this.#area !== undefined) this.#receive(this.#area.unlift(lifted) as FromProcess)
    } catch (error) {
      this.#events.unreadable(error)
    }
  }

  /** Waits until all that it has said has been read; a program that it has left behind may hold pipes. */
  async #lastWords({ signal }: CarrierEnd): Promise<void> {
    const { channel, stderr } = this.#child
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, lastWordsMs)
    const read = [
      channel == null || new Promise((done) => this.#child.once("disconnect", () => done(true))),
      signal !== "SIGABRT" ||
        stderr === null ||
        stderr.closed ||
        new Promise((done) => stderr.once("close", () => done(true))),
    ]
    await Promise.race([Promise.all(read), late])
    clearTimeout(timer)
    if (signal === "SIGABRT" && this.#tail.includes("heap out of memory")) {
      this.#events.failed(outOfMemory(this.#options, who, "its heap alone had as much"))
    }
  }

  #end(end: CarrierEnd): void {
    if (this.#isGone) return
    this.#isGone = true
    clearInterval(this.#looks)
    this.#lifeline?.destroy()
    this.#area?.close()
    this.#events.exited(end)
  }

  /** Holds it to its bound, native memory included, which is on what it has beyond what Node has. */
  #look(): void {
    if (this.#isIdle) return
    const kiB = this.#residentKiB()
    if (kiB === undefined || this.#ownKiB === undefined) return
    const usedMiB = Math.round((kiB - this.#ownKiB) / 1024)
    if (usedMiB <= this.#options.memoryMiB + slackMiB) return
    clearInterval(this.#looks)
    this.#events.failed(
      outOfMemory(
        this.#options,
        who,
        `${slackMiB} beside that for what is no call's doing, and had ${usedMiB} MiB`,
      ),
    )
    this.terminate()
  }

  #residentKiB(): number | undefined {
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(this.#ofKernel("status") ?? "")?.[1]
    return found === undefined ? undefined : Number(found)
  }

  /** Outside Linux, nothing. */
  #ofKernel(file: string): string | undefined {
    try {
      return readFileSync(`/proc/${this.#child.pid}/${file}`, "utf8")
    } catch {
      return undefined
    }
  }
}
