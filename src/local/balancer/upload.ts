/**
 * A request's body on its way to a replica: passed on as it comes, and no faster than it is taken.
 *
 * It ends with the body, or is stopped before. A client may leave in the middle, even when it has its
 * answer already; then only its connection tells, since node:http counts that request as done.
 */
import type { IncomingMessage } from "node:http"
import type { Attempt } from "./attempt.ts"
import { trailersToPassOn } from "./headers.ts"

export class Upload {
  readonly #request: IncomingMessage
  readonly #attempt: Attempt

  constructor(request: IncomingMessage, attempt: Attempt) {
    this.#request = request
    this.#attempt = attempt
    request.on("data", this.#pass)
    request.once("end", this.#finish)
    request.socket.once("close", this.#leave)
  }

  /** The replica takes more again. */
  drained(): void {
    this.#request.resume()
  }

  /** What is still to come is not passed on any more. */
  stop(): void {
    this.#request.off("data", this.#pass)
    this.#request.off("end", this.#finish)
    this.#request.socket.off("close", this.#leave)
  }

  readonly #pass = (piece: Buffer): void => {
    if (!this.#attempt.write(piece)) this.#request.pause()
  }

  readonly #finish = (): void => {
    const { rawTrailers, headers } = this.#request
    this.#attempt.finish(trailersToPassOn(rawTrailers, headers.connection))
    this.stop()
  }

  readonly #leave = (): void => this.#attempt.leave()
}
