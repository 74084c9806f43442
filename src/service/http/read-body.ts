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
import type { Receiver } from "./receiving.ts"

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
    const meter = new BodyMeter(exchange, bytesMax, (refusal) => {
      stop()
      reject(refusal)
    })
    const onData = (chunk: Buffer): void => {
      if (meter.took(chunk)) gathered.add(chunk)
    }
    const onEnd = (): void => {
      stop()
      resolve(gathered.end())
    }
    const stop = (): void => {
      meter.end()
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
 * Counts a body as it comes in, and says when no more of it can be taken. The body may come to rest by
 * it, for others to have their turn; or be given up, for others to have its room.
 */
export class BodyMeter implements Receiver {
  readonly exchange: Exchange
  bytes = 0
  readonly #bytesMax: number
  readonly #refused: (refusal: Error | NoRoom) => void
  #isOver = false
  /** What the process had lost of its time when this began, and when something of it came last. */
  readonly #lostAtBeginMs: number
  #lostAtLastMs: number
  /** For how long it rested, for others to have their turn, and since when it does. */
  #restedMs = 0
  #restsSinceMs: number | undefined

  /** @param refused is called once at the most, with why. What still comes then is thrown away. */
  constructor(exchange: Exchange, bytesMax: number, refused: (refusal: Error | NoRoom) => void) {
    this.exchange = exchange
    this.#bytesMax = bytesMax
    this.#refused = refused
    exchange.surroundings.receiving.add(exchange)
    this.#lostAtBeginMs = exchange.surroundings.receiving.lostMs
    this.#lostAtLastMs = this.#lostAtBeginMs
  }

  /** The body has come, or is refused. */
  end(): void {
    this.#isOver = true
    this.exchange.surroundings.receiving.delete(this.exchange)
  }

  timesMs(): ReturnType<Receiver["timesMs"]> {
    const { arrivedAtMs, receivedAtMs, surroundings } = this.exchange
    const nowMs = surroundings.now()
    const { lostMs } = surroundings.receiving
    const isResting = this.#restsSinceMs !== undefined
    const restedMs = this.#restedMs + (isResting ? nowMs - this.#restsSinceMs! : 0)
    return {
      sinceBegun: nowMs - arrivedAtMs - (lostMs - this.#lostAtBeginMs) - restedMs,
      // What has come of one that rests waits for us.
      silent: isResting ? 0 : nowMs - receivedAtMs - (lostMs - this.#lostAtLastMs),
    }
  }

  giveUp(shed: Shed): void {
    this.#refuse(new NoRoom(shed))
  }

  /** Whether these bytes of it can be taken, and all before. */
  took({ length }: Buffer): boolean {
    if (this.#isOver) return false
    const { exchange } = this
    const { receiving, now } = exchange.surroundings
    const nowMs = now()
    this.bytes += length
    exchange.receivedAtMs = nowMs
    this.#lostAtLastMs = receiving.lostMs
    if (this.#restsSinceMs !== undefined) this.#restedMs += nowMs - this.#restsSinceMs
    bodyTurns.took(exchange.request.raw, length)
    this.#restsSinceMs = exchange.request.raw.isPaused() ? nowMs : undefined
    receiving.received(this)
    const refusal = this.bytes > this.#bytesMax ? tooLarge(this.#bytesMax) : this.#grow()
    if (refusal !== undefined) this.#refuse(refusal)
    return refusal === undefined
  }

  #refuse(refusal: Error | NoRoom): void {
    this.end()
    this.#refused(refusal)
  }

  #grow(): NoRoom | undefined {
    const { exchange, bytes: received } = this
    const { heldBytes, admittedAs: name, surroundings } = exchange
    // What still comes after a refusal is thrown away.
    if (received <= heldBytes || exchange.closed) return undefined
    // A chunked body declares none.
    const declared = exchange.declaredBytes || Number.POSITIVE_INFINITY
    const growthMax = Math.min(growthBytes, declared - heldBytes, this.#bytesMax - heldBytes)
    const more = Math.max(received - heldBytes, growthMax)
    if (name !== undefined) {
      const shed = surroundings.receiving.makeRoom(exchange, name, more, true)
      if (shed !== undefined) return new NoRoom(shed)
    }
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
