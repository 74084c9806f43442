/**
 * The bodies that are being received. While there is room each may take its time; when there is none,
 * the slowest makes room for whoever comes: else a few clients that send bodies by halves could keep
 * all others out.
 */
import type { Shed } from "../outcome.ts"
import type { Exchange } from "./exchange.ts"

/** For so long nobody is slow: a connection has to gain speed first. */
const graceMs = 2_000
/** Who has sent less than that since its beginning is slow. */
const leastBytesPerSecond = 65_536
/** So is who has sent nothing for so long, however fast before. */
const silentMs = 1_000

/** A body that is being received. */
export interface Receiver {
  readonly exchange: Exchange
  /** What has come of it. */
  bytes: number
  /** Ends it: its request is refused for this reason. */
  readonly giveUp: (shed: Shed) => void
}

export class Receiving {
  readonly #all = new Map<Exchange, Receiver>()

  add(receiver: Receiver): void {
    this.#all.set(receiver.exchange, receiver)
  }

  /** Its body has come, or will not. */
  delete(exchange: Exchange): void {
    this.#all.delete(exchange)
  }

  /**
   * Asks for room, and has slow bodies given up until there is some, those that have been silent for
   * longest before the others.
   * @param arrive weighs what asks for it.
   * @returns why there is no room all the same.
   */
  makeRoom(newcomer: Exchange, arrive: () => Shed | undefined): Shed | undefined {
    for (;;) {
      const shed = arrive()
      if (shed?.reason !== "bytes-full") return shed
      const slowest = this.#slowest(newcomer)
      if (slowest === undefined) return shed
      this.delete(slowest.exchange)
      slowest.exchange.releaseBytes()
      slowest.giveUp({ ...shed, reason: "slow-body" })
    }
  }

  #slowest(newcomer: Exchange): Receiver | undefined {
    const nowMs = newcomer.surroundings.now()
    let slowest: Receiver | undefined
    for (const [exchange, receiver] of this.#all) {
      if (exchange === newcomer || exchange.heldBytes === 0 || !isSlow(receiver, nowMs)) continue
      if (slowest === undefined || exchange.receivedAtMs < slowest.exchange.receivedAtMs) {
        slowest = receiver
      }
    }
    return slowest
  }
}

function isSlow({ exchange, bytes }: Receiver, nowMs: number): boolean {
  const tookMs = nowMs - exchange.arrivedAtMs
  if (tookMs < graceMs) return false
  const isSilent = nowMs - exchange.receivedAtMs >= silentMs
  return isSilent || (bytes * 1000) / tookMs < leastBytesPerSecond
}
