/**
 * One backend as the balancer sees it: its connections, what it does, whether it may be asked.
 *
 * It is *serving* (`ready` or not), then *draining* (finishes what it has) or *dropped* (its process
 * is gone). A request counts as outstanding from when it is sent until its answer has been read to
 * the end, or there will be none.
 */
import { Circuit } from "./circuit.ts"
import type { Connection, Exchange } from "./connection.ts"
import { Connections } from "./connections.ts"
import type { Message } from "./message.ts"
import type { Backend } from "./options.ts"
import type { Candidate } from "./pick.ts"
import type { Room } from "./room.ts"

/** "left": the client went before there was an answer. */
type AttemptOutcome = "answered" | "failed" | "left"

export class Upstream implements Candidate {
  readonly name: string
  readonly circuit = new Circuit()
  readonly #connections: Connections
  ready = true
  #outstanding = 0
  #answered = 0
  #failed = 0
  #onIdle: (() => void) | undefined
  #graceTimer: NodeJS.Timeout | undefined

  constructor({ name, origin }: Backend, room: Room) {
    this.name = name
    this.#connections = new Connections(origin, room)
  }

  get outstanding(): number {
    return this.#outstanding
  }

  get answered(): number {
    return this.#answered
  }

  get failed(): number {
    return this.#failed
  }

  takes(nowMs: number): boolean {
    return this.ready && this.circuit.allows(nowMs)
  }

  /** Begins a request. `ended` has to follow, once, when all of it is over. */
  send(message: Message, exchange: Exchange): Connection {
    const connection = this.#connections.take()
    connection.send(message, exchange)
    this.#outstanding += 1
    return connection
  }

  ended(outcome: AttemptOutcome): void {
    this.#outstanding -= 1
    if (outcome === "answered") this.#answered += 1
    else if (outcome === "failed") this.#failed += 1
    if (this.#outstanding === 0) this.#onIdle?.()
  }

  /** Resolves when nothing is outstanding. */
  idle(): Promise<void> {
    if (this.#outstanding === 0) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = this.#onIdle
    this.#onIdle = () => {
      before?.()
      resolve()
    }
    return promise
  }

  /** Closes the connections, those that are still used after `graceMs`. */
  close(graceMs: number): void {
    if (graceMs > 0 && this.#outstanding > 0) {
      // After a stall of this process, what the connections' ends tell is read before they are cut.
      this.#graceTimer ??= setTimeout(
        () => setImmediate(() => this.#connections.destroy()),
        graceMs,
      )
      void this.idle().then(() => this.close(0))
      return
    }
    clearTimeout(this.#graceTimer)
    this.#connections.destroy()
  }
}
