/**
 * Receives a request body, no more of it than may be held.
 *
 * A body counts by what has come of it, since what was declared may never come. So it is admitted
 * again, piece by piece, as it grows: else any number of them could be held whatever the bound says.
 */
import { bodyTurns } from "../../core/http/body-turns.ts"
import { Gather } from "../input/gather.ts"
import type { Pieces } from "../input/received.ts"
import type { Shed } from "../outcome.ts"
import { problem } from "../problem.ts"
import type { Exchange } from "./exchange.ts"

/** Thrown when a body can't be held any more; answered like a request that was shed on arrival. */
export class NoRoom {
  readonly shed: Shed

  constructor(shed: Shed) {
    this.shed = shed
  }
}

/** At a time; less when less was declared, or is accepted: the room must be enough for a body that is. */
const growthBytes = 65_536

/**
 * The whole body, as it came.
 * @throws {Problem} 413 when it is larger than `bytesMax`.
 * @throws {NoRoom} when there is no room for it.
 * Never settles when the client leaves meanwhile: the exchange's end sees to that.
 */
export function readBody(exchange: Exchange, bytesMax: number): Promise<Pieces> {
  const { raw } = exchange.request
  if (!exchange.hasBody) return Promise.resolve([])
  continueIfExpected(exchange)
  return new Promise((resolve, reject) => {
    const gathered = new Gather()
    const meter = bodyMeter(exchange, bytesMax)
    const onData = (chunk: Buffer): void => {
      const refusal = meter(chunk.length)
      if (refusal === undefined) {
        gathered.add(chunk)
      } else {
        stop()
        reject(refusal)
      }
    }
    const onEnd = (): void => {
      stop()
      resolve(gathered.end())
    }
    const stop = (): void => {
      raw.off("data", onData)
      raw.off("end", onEnd)
    }
    raw.on("data", onData)
    raw.on("end", onEnd)
    raw.on("error", leaveIt)
  })
}

/**
 * The client left, or node:http gave up on it. Either closes the exchange. This stays on the request,
 * so it must not close over what has come: that would be held until the answer is sent.
 */
function leaveIt(): void {}

/**
 * Counts a body as it comes in; returns why no more of it can be taken, once that is so. The body may
 * come to rest by it, for others to have their turn.
 */
export function bodyMeter(
  exchange: Exchange,
  bytesMax: number,
): (bytes: number) => Error | NoRoom | undefined {
  const { compute, now } = exchange.surroundings
  // A chunked body declares none.
  const declared = exchange.declaredBytes || Number.POSITIVE_INFINITY
  let received = 0
  return (bytes) => {
    received += bytes
    bodyTurns.took(exchange.request.raw, bytes)
    exchange.receivedAtMs = now()
    if (received > bytesMax) return tooLarge(bytesMax)
    const { heldBytes, admittedAs: name, tryId, deadlineAtMs } = exchange
    // What still comes after a refusal is thrown away.
    if (received <= heldBytes || exchange.closed) return undefined
    const growthMax = Math.min(growthBytes, declared - heldBytes, bytesMax - heldBytes)
    const more = Math.max(received - heldBytes, growthMax)
    const shed =
      name === undefined ? undefined : compute.arrive({ name, bytes: more, tryId, deadlineAtMs })
    if (shed !== undefined) return new NoRoom(shed)
    exchange.holdBytes(more)
    return undefined
  }
}

export function tooLarge(bytesMax: number): Error {
  return problem(413, `The body is too large: at most ${bytesMax} bytes are accepted.`)
}

/** A client that sent `Expect: 100-continue` waits for this before it sends the body. */
export function continueIfExpected(exchange: Exchange): void {
  const { headers, httpVersion } = exchange.request.raw
  const expects = headers.expect?.toLowerCase() === "100-continue"
  if (expects && httpVersion === "1.1") exchange.reply.raw.writeContinue()
}
