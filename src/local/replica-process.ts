/**
 * One process of a replica, as it is seen from outside.
 *
 *   starting ─ serving ─▶ serving ─ drain() ─▶ draining ─▶ gone
 *      └────── failed, kill() or a crash, from anywhere ────▶ gone
 *
 * The process listens on ports of its own, says where, and ends when this one does.
 */
import { type ChildProcess, fork } from "node:child_process"
import { followLines } from "../core/line-splitter.ts"
import type { FromReplica, Serving, StartFailure, ToReplica } from "./messages.ts"

/** What runs in a replica's process. */
export interface Program {
  /** The file that the process begins with. */
  readonly entry: string
  /** Handed to it with its start. */
  readonly boot: unknown
}

export interface ProcessEvents {
  imports(path: string): void
  serving(serving: Serving): void
  failed(failure: StartFailure): void
  line(text: string): void
  /** Only lines may come after it. */
  gone(how: string): void
}

/** How long a process that has said why it can't start may take to end. */
const endMsMax = 1_000

type ProcessState = "starting" | "serving" | "draining" | "gone"

export class ReplicaProcess {
  #state: ProcessState = "starting"
  readonly #child: ChildProcess
  readonly #events: ProcessEvents
  #killer: NodeJS.Timeout | undefined

  /** @param startMsMax how long it may take to serve. */
  constructor(program: Program, startMsMax: number, events: ProcessEvents) {
    this.#events = events
    this.#child = fork(program.entry, { stdio: ["ignore", "pipe", "pipe", "ipc"] })
    this.#child.on("message", (message: FromReplica) => this.#receive(message))
    // An error of the channel is followed by `exit`; one of starting the process is not.
    this.#child.on("error", (error) => {
      if (this.#child.pid === undefined) this.#end(error.message)
    })
    this.#child.on("exit", (code, signal) => {
      this.#end(signal === null ? `exit code ${code}` : `signal ${signal}`)
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      followLines(stream, (line) => events.line(line))
    }
    this.#send({ type: "start", boot: program.boot })
    this.#killer = setTimeout(() => {
      this.#events.failed({
        lines: [
          `It did not serve within ${startMsMax / 1000} s.`,
          "That is for loading the module and for the setup of its workers; setupTimeoutMs gives more.",
        ],
        exitCode: 1,
      })
      this.kill()
    }, startMsMax)
  }

  get state(): ProcessState {
    return this.#state
  }

  /** `undefined` when it could not even be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Lets it finish what it has, and end. It is killed when that takes longer than `graceMs`. */
  drain(graceMs: number): void {
    if (this.#state === "starting") this.kill()
    if (this.#state !== "serving") return
    this.#state = "draining"
    this.#send({ type: "drain" })
    this.#killer = setTimeout(() => this.kill(), graceMs)
  }

  kill(): void {
    this.#child.kill("SIGKILL")
  }

  #receive(message: FromReplica): void {
    switch (message.type) {
      case "imports":
        this.#events.imports(message.path)
        break
      case "serving":
        if (this.#state !== "starting") break
        clearTimeout(this.#killer)
        this.#state = "serving"
        this.#events.serving(message.serving)
        break
      case "failed":
        clearTimeout(this.#killer)
        this.#events.failed(message.failure)
        // What it was loading may keep it from ending.
        this.#killer = setTimeout(() => this.kill(), endMsMax)
        break
      default:
        message satisfies never
    }
  }

  #send(message: ToReplica): void {
    // No channel, because it could not be started or has ended: it is told that it is gone.
    if (this.#child.connected) this.#child.send(message, () => {})
  }

  #end(how: string): void {
    if (this.#state === "gone") return
    this.#state = "gone"
    clearTimeout(this.#killer)
    this.#events.gone(how)
  }
}
