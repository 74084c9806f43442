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
  readonly bytes: number
  /** Ends it: its request is refused for this reason. */
  giveUp(shed: Shed): void
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
   * Asks for room, and if there is none and slow bodies hold enough of it, has those given up that have
   * been silent for longest, as many as it takes.
   * @param name of the operation.
   * @param isHere they have come; else they are only announced, for which nobody has to go yet.
   * @returns why there is no room all the same.
   */
  makeRoom(newcomer: Exchange, name: string, bytes: number, isHere: boolean): Shed | undefined {
    const { tryId, deadlineAtMs, surroundings } = newcomer
    const arrive = (bytes: number) =>
      surroundings.compute.arrive({ name, bytes, tryId, deadlineAtMs })
    const shed = arrive(bytes)
    if (shed?.reason !== "bytes-full") return shed
    const slow = this.#slow(newcomer)
    const slowBytes = slow.reduce((sum, { exchange }) => sum + exchange.heldBytes, 0)
    if (slowBytes === 0) return shed
    const still = arrive(bytes - slowBytes)
    if (still !== undefined || !isHere) return still
    let needed = bytes
    for (const receiver of slow) {
      if (needed <= 0) break
      needed -= receiver.exchange.heldBytes
      receiver.exchange.releaseBytes()
      receiver.giveUp({ ...shed, reason: "slow-body" })
    }
    return undefined
  }

  /** Those that have been silent for longest first. */
  #slow(newcomer: Exchange): readonly Receiver[] {
    const nowMs = newcomer.surroundings.now()
    return [...this.#all.values()]
      .filter(({ exchange }) => exchange !== newcomer && exchange.heldBytes > 0)
      .filter((receiver) => isSlow(receiver, nowMs))
      .toSorted((a, b) => a.exchange.receivedAtMs - b.exchange.receivedAtMs)
  }
}

function isSlow({ exchange, bytes }: Receiver, nowMs: number): boolean {
  const tookMs = nowMs - exchange.arrivedAtMs
  if (tookMs < graceMs) return false
  const isSilent = nowMs - exchange.receivedAtMs >= silentMs
  return isSilent || (bytes * 1000) / tookMs < leastBytesPerSecond
}
