/**
 * Bounds what is read of bodies in one turn of the event loop.
 *
 * node:http reads up to two megabytes of a connection before it looks at another, and as much of each
 * that is ready: a client with fast uploads would keep probes and everybody else waiting meanwhile. So
 * once a turn has had its bytes, bodies rest, and a few of them go on in each of the next turns, in
 * the order in which they came to rest.
 */
import type { IncomingMessage } from "node:http"

/** Of all bodies in a turn. They take a fraction of a millisecond. */
export const turnBytes = 262_144
/** What a body brings at once: node:http's buffer. */
export const chunkBytes = 65_536

export class BodyTurns {
  #left = turnBytes
  #resting: IncomingMessage[] = []
  /** This turn has had bytes already, so that the next one begins anew. */
  #isCounting = false

  /** To be told of each chunk of a body, which may come to rest by it until a later turn. */
  took(request: IncomingMessage, bytes: number): void {
    this.#left -= bytes
    this.#count()
    if (this.#left > 0 || request.isPaused()) return
    request.pause()
    this.#resting.push(request)
  }

  readonly #next = (): void => {
    this.#left = turnBytes
    this.#isCounting = false
    const going = this.#resting.splice(0, turnBytes / chunkBytes)
    if (this.#resting.length > 0) this.#count()
    for (const request of going) request.resume()
  }

  #count(): void {
    if (this.#isCounting) return
    this.#isCounting = true
    setImmediate(this.#next)
  }
}

/** Those of this thread, as it has one loop. */
export const bodyTurns = new BodyTurns()
