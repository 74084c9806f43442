/** One request at one replica, from being sent until nothing of it is left; keeps the books of it. */
import type { ClientRequest, IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import type { Message, Upstream } from "./upstream.ts"
import type { Upstreams } from "./upstreams.ts"

export class Attempt {
  readonly upstream: Upstream
  readonly sent: ClientRequest
  readonly #upstreams: Upstreams
  readonly #isTrial: boolean
  #answer: IncomingMessage | undefined
  /** The circuit knows what came of it. */
  #isDecided = false
  #hasLeft = false
  #isHeld = false

  /** @throws {TypeError} when the message can't be one, by node:http's rules. */
  constructor(upstreams: Upstreams, upstream: Upstream, message: Message) {
    this.#upstreams = upstreams
    this.upstream = upstream
    this.sent = upstream.send(message)
    this.#isTrial = upstream.circuit.begin()
    this.sent.once("close", () => {
      if (!this.#isHeld) this.#over()
    })
  }

  /** An answer begins: the replica lives. */
  worked(answer: IncomingMessage): void {
    this.#answer = answer
    this.#isDecided = true
    this.#upstreams.worked(this.upstream)
  }

  /** There was no answer. */
  failed(because: string): void {
    if (this.#isDecided) return
    this.#isDecided = true
    this.#upstreams.failed(this.upstream, this.#isTrial, because)
  }

  /** Whoever wanted it wants it no more. */
  leave(): void {
    this.#hasLeft = true
    this.sent.destroy()
  }

  /** The connection has become something else, and lasts as long as that does. */
  hold(socket: Socket): void {
    this.#isHeld = true
    socket.once("close", () => this.#over())
  }

  #over(): void {
    if (!this.#isDecided) this.#upstreams.undecided(this.upstream, this.#isTrial)
    if (this.#answer?.complete || this.#isHeld) this.upstream.ended("answered")
    else this.upstream.ended(this.#hasLeft ? "left" : "failed")
  }
}
