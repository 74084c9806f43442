/** One request at one replica, from being sent until nothing of it is left; keeps the books of it. */
import type { Socket } from "node:net"
import type { ResponseHead } from "../../core/http/response-parser.ts"
import type { Connection, Exchange } from "./connection.ts"
import type { Message } from "./message.ts"
import type { Upstream } from "./upstream.ts"
import type { Upstreams } from "./upstreams.ts"

/** Whoever wants the answer. */
export interface Asker extends Omit<Exchange, "failed" | "over"> {
  /** There is no answer. */
  failed(attempt: Attempt, error: NodeJS.ErrnoException): void
  /** There is half of one. */
  broken(attempt: Attempt): void
  /** The replica hears and says no more of it. */
  over(): void
}

export class Attempt implements Exchange {
  readonly upstream: Upstream
  readonly #upstreams: Upstreams
  readonly #asker: Asker
  readonly #isTrial: boolean
  /** Until it is over: then the connection carries somebody else's. */
  #connection: Connection | undefined
  #hasBegun = false
  #hasEnded = false
  /** The circuit knows what came of it. */
  #isDecided = false
  #hasLeft = false

  constructor(upstreams: Upstreams, upstream: Upstream, message: Message, asker: Asker) {
    this.#upstreams = upstreams
    this.upstream = upstream
    this.#asker = asker
    this.#connection = upstream.send(message, this)
    this.#isTrial = upstream.circuit.begin()
  }

  get socket(): Socket | undefined {
    return this.#connection?.socket
  }

  /** Whether the replica has said anything. */
  get hasHeard(): boolean {
    return this.#connection?.hasHeard ?? false
  }

  /** Part of a body that flows. @returns whether to go on at once, or when it has drained. */
  write(piece: Buffer): boolean {
    return this.#connection?.write(piece) ?? true
  }

  /** The end of a body that flows. @param trailers names and values in turn. */
  finish(trailers: readonly string[]): void {
    this.#connection?.finish(trailers)
  }

  /** No more of the answer for now. */
  pause(): void {
    this.#connection?.pause()
  }

  resume(): void {
    this.#connection?.resume()
  }

  /** Whoever wanted it wants it no more. */
  leave(): void {
    this.#hasLeft = true
    this.#connection?.destroy()
  }

  /** There was no answer. */
  gotNone(because: string): void {
    if (this.#isDecided) return
    this.#isDecided = true
    this.#upstreams.failed(this.upstream, this.#isTrial, because)
  }

  /** The connection becomes something else, and lasts as long as that does. */
  takeOver(): Socket | undefined {
    this.#hasEnded = true
    return this.#connection?.handOver()
  }

  connected(): void {
    this.#asker.connected()
  }

  interim(head: ResponseHead): void {
    this.#asker.interim(head)
  }

  /** The replica lives. */
  answered(head: ResponseHead): void {
    this.#hasBegun = true
    this.#isDecided = true
    this.#upstreams.worked(this.upstream)
    this.#asker.answered(head)
  }

  data(bytes: Buffer): void {
    this.#asker.data(bytes)
  }

  ended(trailers: string): void {
    this.#hasEnded = true
    this.#asker.ended(trailers)
  }

  settled(): void {
    this.#asker.settled()
  }

  drained(): void {
    this.#asker.drained()
  }

  failed(error: NodeJS.ErrnoException): void {
    if (this.#hasLeft) return
    if (this.#hasBegun) this.#asker.broken(this)
    else this.#asker.failed(this, error)
  }

  over(): void {
    this.#connection = undefined
    if (!this.#isDecided) this.#upstreams.undecided(this.upstream, this.#isTrial)
    this.upstream.ended(this.#hasEnded ? "answered" : this.#hasLeft ? "left" : "failed")
    this.#asker.over()
  }
}
