/**
 * Shares a server's connections among its peers.
 *
 * While there is room, a peer may have all that nobody else wants: behind a proxy there is one. When
 * there is none, a newcomer is let in at the expense of whoever holds the most, and more than its
 * share: an idle connection goes first, the one that has been idle for longest. A peer that holds the
 * most itself gives up an idle connection of its own for a new one, and has none if all are busy. So
 * nobody can lock others out, be it by connections on which nothing is sent or by requests that
 * trickle.
 */
import type { Socket } from "node:net"
import { Ranking } from "../ranking.ts"
import { addressOf, peerOf } from "./peer.ts"

interface Peer {
  readonly address: string
  /** On which no request is under way, the one that has been so for longest first. */
  readonly idle: Set<Socket>
  /** The others, likewise. */
  readonly busy: Set<Socket>
}

export class Peers {
  readonly #connectionsMax: number
  readonly #full: () => void
  readonly #byAddress = new Map<string, Peer>()
  readonly #bySocket = new Map<Socket, Peer>()
  readonly #ranking = new Ranking<Peer>()

  /** @param full is called whenever somebody has to go. */
  constructor(connectionsMax: number, full: () => void) {
    this.#connectionsMax = connectionsMax
    this.#full = full
  }

  /** For the server's `connection`: lets it in, or ends it. */
  readonly connected = (socket: Socket): void => {
    const address = peerOf(addressOf(socket))
    let peer = this.#byAddress.get(address)
    if (peer === undefined) {
      peer = { address, idle: new Set(), busy: new Set() }
      this.#byAddress.set(address, peer)
    }
    if (this.#bySocket.size >= this.#connectionsMax) {
      this.#full()
      const giving = this.#whoGives(peer)
      if (giving !== undefined) this.#leave(giving)
      ;(giving ?? socket).destroy()
    }
    if (socket.destroyed) {
      this.#forgetIfGone(peer)
      return
    }
    this.#bySocket.set(socket, peer)
    peer.idle.add(socket)
    this.#ranking.change(peer, held(peer) - 1, held(peer))
    socket.once("close", () => this.#leave(socket))
  }

  /** A request of it is under way, or it has become something else. */
  busy(socket: Socket): void {
    const peer = this.#bySocket.get(socket)
    if (peer?.idle.delete(socket)) peer.busy.add(socket)
  }

  /** All its requests are answered. */
  idle(socket: Socket): void {
    const peer = this.#bySocket.get(socket)
    if (peer?.busy.delete(socket)) peer.idle.add(socket)
  }

  /** The connection that has to go for one more of `newcomer`; undefined when that is the new one. */
  #whoGives(newcomer: Peer): Socket | undefined {
    const wanted = held(newcomer) + 1
    const share = this.#connectionsMax / this.#byAddress.size
    let largest: Peer | undefined
    for (const peer of this.#ranking.descending()) {
      largest ??= peer
      if (held(peer) < Math.max(wanted, share)) break
      const longestIdle = first(peer.idle)
      if (longestIdle !== undefined) return longestIdle
    }
    if (largest !== undefined && held(largest) > wanted) return first(largest.busy)
    return first(newcomer.idle)
  }

  #leave(socket: Socket): void {
    const peer = this.#bySocket.get(socket)
    if (peer === undefined) return
    this.#bySocket.delete(socket)
    this.#ranking.change(peer, held(peer), held(peer) - 1)
    peer.idle.delete(socket)
    peer.busy.delete(socket)
    this.#forgetIfGone(peer)
  }

  #forgetIfGone(peer: Peer): void {
    if (held(peer) === 0) this.#byAddress.delete(peer.address)
  }
}

function held({ idle, busy }: Peer): number {
  return idle.size + busy.size
}

function first(sockets: ReadonlySet<Socket>): Socket | undefined {
  return sockets.values().next().value
}
