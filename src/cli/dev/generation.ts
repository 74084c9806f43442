/**
 * One version of the service, in a process of its own, as the supervisor sees it.
 *
 *   idle ─ start() ─▶ starting ─ ready ─▶ serving ─ drain() ─▶ draining ─▶ gone
 *     └──────────── failed, kill() or a crash, from anywhere ──────────────▶ gone
 *
 * While idle it loads Capstan and none of the person's code, which is most of what a start takes.
 *
 * A connection handed over stays open here too until the generation says that it has taken it. So
 * when it dies first, the connection is given back, unread, and can go to another.
 */
import { type ChildProcess, fork } from "node:child_process"
import type { Socket } from "node:net"
import { fileURLToPath } from "node:url"
import { programUrl } from "../../core/program.ts"
import type { LoadFailure } from "../load-failure.ts"
import type { Whereabouts } from "../whereabouts.ts"
import type { Boot, FromGeneration, PortName, ToGeneration } from "./messages.ts"

export interface Connection {
  readonly port: PortName
  readonly socket: Socket
}

export interface GenerationEvents {
  imports(path: string): void
  ready(where: Whereabouts): void
  failed(failure: LoadFailure): void
  /** Always the last one. `untaken` are the connections that it never took. */
  gone(how: string, untaken: readonly Connection[]): void
}

export type GenerationState = "idle" | "starting" | "serving" | "draining" | "gone"

const entry = fileURLToPath(programUrl("./child", import.meta.url))

/** A process that does not even answer is stuck in a loop of its own and will not drain. */
const answerMs = 2_000

export class Generation {
  #startedAtMs = 0
  #state: GenerationState = "idle"
  readonly #child: ChildProcess
  readonly #untaken = new Map<number, Connection>()
  #lastId = 0
  #drainGraceMs = 0
  #killer: NodeJS.Timeout | undefined
  #events: GenerationEvents | undefined

  constructor() {
    this.#child = fork(entry)
    this.#child.on("message", (message: FromGeneration) => this.#receive(message))
    // An error of the channel is followed by `exit`; one of starting the process is not.
    this.#child.on("error", (error) => {
      if (this.#child.pid === undefined) this.#end(error.message)
    })
    this.#child.on("exit", (code, signal) => {
      this.#end(signal === null ? `exit code ${code}` : `signal ${signal}`)
    })
  }

  /** Loads the module. What comes of it is told to `events`. */
  start(boot: Boot, events: GenerationEvents): void {
    if (this.#state !== "idle") throw new Error(`A ${this.#state} generation can't start.`)
    this.#state = "starting"
    this.#startedAtMs = performance.now()
    this.#events = events
    this.#send({ type: "start", boot })
  }

  get startedAtMs(): number {
    return this.#startedAtMs
  }

  get state(): GenerationState {
    return this.#state
  }

  /** Hands a connection over. */
  take(connection: Connection): void {
    if (this.#state !== "serving") throw new Error(`A ${this.#state} generation takes nothing.`)
    const id = ++this.#lastId
    this.#untaken.set(id, connection)
    this.#send({ type: "connection", id, port: connection.port }, connection.socket)
  }

  /** Lets it finish what it has, and end. It is killed when it takes longer than `graceMs`. */
  drain(graceMs: number): void {
    if (this.#state === "idle" || this.#state === "starting") this.kill()
    if (this.#state !== "serving") return
    this.#state = "draining"
    this.#send({ type: "drain" })
    this.#drainGraceMs = graceMs
    this.#killAfter(Math.min(answerMs, graceMs))
  }

  kill(): void {
    this.#child.kill("SIGKILL")
  }

  #receive(message: FromGeneration): void {
    switch (message.type) {
      case "imports":
        this.#events?.imports(message.path)
        break
      case "ready":
        this.#state = "serving"
        this.#events?.ready(message.where)
        break
      case "failed":
        this.#events?.failed(message.failure)
        break
      case "taken":
        // Closes this process's copy only: nothing is sent to the client.
        this.#untaken.get(message.id)?.socket.destroy()
        this.#untaken.delete(message.id)
        break
      case "draining":
        this.#killAfter(this.#drainGraceMs)
        break
      default:
        message satisfies never
    }
  }

  #send(message: ToGeneration, socket?: Socket): void {
    // A channel that is closed means that `exit` is near; it gives the connections back.
    this.#child.send(message, socket, { keepOpen: true }, () => {})
  }

  #killAfter(ms: number): void {
    clearTimeout(this.#killer)
    this.#killer = setTimeout(() => this.kill(), ms)
  }

  #end(how: string): void {
    if (this.#state === "gone") return
    this.#state = "gone"
    clearTimeout(this.#killer)
    const untaken = Array.from(this.#untaken.values())
    this.#untaken.clear()
    this.#events?.gone(how, untaken)
  }
}
