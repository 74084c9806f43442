/**
 * The bodies that are being received. While there is room each may take its time; when there is none,
 * the slowest makes room for whoever comes: else a few clients that send bodies by halves could keep
 * all others out.
 */
import { Attention } from "../../core/attention.ts"
import { shed } from "../admission.ts"
import type { Shed } from "../outcome.ts"
import type { Exchange } from "./exchange.ts"

/** For so long nobody is slow: a connection has to gain speed first, and may falter once. */
const graceMs = 2_000
/** Who has sent less than that since its beginning is slow. So is who has sent nothing for the grace. */
const leastBytesPerSecond = 65_536
/** So many are looked at for a newcomer: whoever is refused must not cost what a request does. */
const looksMax = 1_000

/** A body that is being received. */
export interface Receiver {
  readonly exchange: Exchange
  /** What has come of it. */
  readonly bytes: number
  /** For how long it has been coming, and for how long nothing has, as far as that was not our doing. */
  timesMs(): { readonly sinceBegun: number; readonly silent: number }
  /** Ends it: its request is refused for this reason. */
  giveUp(shed: Shed): void
}

/** What is asked of {@link Attention}. */
export type Lost = Pick<Attention, "begin" | "end" | "lostMs">

export class Receiving {
  readonly #attention: Lost
  readonly #open = new Set<Exchange>()
  /** Of which something has come; those first that have been silent for longest. */
  readonly #all = new Map<Exchange, Receiver>()

  /** @param attention for tests. */
  constructor(attention: Lost = new Attention()) {
    this.#attention = attention
  }

  /** For how long this process could not read, so far. */
  get lostMs(): number {
    return this.#attention.lostMs
  }

  /** Its body is to come. */
  add(exchange: Exchange): void {
    if (this.#open.size === 0) this.#attention.begin()
    this.#open.add(exchange)
  }

  /** Something of it has come. */
  received(receiver: Receiver): void {
    this.#all.delete(receiver.exchange)
    this.#all.set(receiver.exchange, receiver)
  }

  /** Its body has come, or will not. */
  delete(exchange: Exchange): void {
    this.#all.delete(exchange)
    if (this.#open.delete(exchange) && this.#open.size === 0) this.#attention.end()
  }

  /**
   * Asks for room, and if there is none and slow bodies hold enough of it, has those given up that have
   * been silent for longest, as many as it takes.
   * @param name of the operation.
   * @param isHere they have come; else they are only announced, for which nobody has to go yet.
   * @returns why there is no room all the same.
   */
  makeRoom(newcomer: Exchange, name: string, bytes: number, isHere: boolean): Shed | undefined {
    const { tryId, peer, deadlineAtMs, surroundings } = newcomer
    let slow: readonly Receiver[] = []
    const bytesToSpare = (): number => {
      slow = this.#slow(newcomer, bytes)
      return slow.reduce((sum, { exchange }) => sum + exchange.heldBytes, 0)
    }
    const arrival = { name, peer, bytes, tryId, deadlineAtMs, bytesToSpare }
    const refused = surroundings.compute.arrive(arrival)
    if (refused !== undefined || !isHere) return refused
    for (const receiver of slow) {
      receiver.exchange.releaseBytes()
      receiver.giveUp(shed("slow-body", 0))
    }
    return undefined
  }

  /** Those that have been silent for longest first, as many as hold so many bytes. */
  #slow(newcomer: Exchange, bytes: number): readonly Receiver[] {
    const slow: Receiver[] = []
    let needed = bytes
    let looks = 0
    for (const receiver of this.#all.values()) {
      if (needed <= 0 || looks === looksMax) break
      looks += 1
      if (receiver.exchange === newcomer || !isSlow(receiver)) continue
      slow.push(receiver)
      needed -= receiver.exchange.heldBytes
    }
    return slow
  }
}

function isSlow(receiver: Receiver): boolean {
  const { sinceBegun, silent } = receiver.timesMs()
  if (sinceBegun < graceMs) return false
  return silent >= graceMs || (receiver.bytes * 1000) / sinceBegun < leastBytesPerSecond
}
