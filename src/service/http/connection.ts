/**
 * Bounds the age of a connection and the number of its requests.
 *
 * A keep-alive client stays with the replica that it met first. Behind a balancer that spreads
 * connections, not requests, 50 such clients never got past 2 of 10 replicas, however many were
 * added. So a connection past its bound is closed behind its next response: `Connection: close`
 * tells the client before it sends another request, and no request is lost. The bounds differ from
 * connection to connection, or the clients that came together would leave together.
 */
import type { Socket } from "node:net"
import { addressOf, peerOf } from "../../core/http/peer.ts"
import { jitter } from "../../core/random.ts"
import type { ResolvedSettings } from "../settings.ts"
import type { Exchange } from "./exchange.ts"

const aFifth = 0.2

/** What HTTP remembers of a socket. */
export interface Connection {
  /** The newest request on it: the one that is still being received, if any is. */
  current: Exchange | undefined
  /** Who is at its other end. */
  readonly peer: string
  requests: number
  readonly requestsMax: number
  readonly endsAtMs: number
}

export class Connections {
  readonly #settings: ResolvedSettings
  readonly #bySocket = new WeakMap<Socket, Connection>()

  constructor(settings: ResolvedSettings) {
    this.#settings = settings
  }

  find(socket: Socket): Connection | undefined {
    return this.#bySocket.get(socket)
  }

  /** Counts a request on its connection. */
  arrived(socket: Socket, exchange: Exchange, nowMs: number): Connection {
    let connection = this.#bySocket.get(socket)
    if (connection === undefined) {
      const { connectionAgeMs, connectionRequestsMax } = this.#settings
      connection = {
        current: undefined,
        peer: peerOf(addressOf(socket)),
        requests: 0,
        requestsMax: connectionRequestsMax === 0 ? Infinity : jitter(connectionRequestsMax, aFifth),
        endsAtMs: connectionAgeMs === 0 ? Infinity : nowMs + jitter(connectionAgeMs, aFifth),
      }
      this.#bySocket.set(socket, connection)
    }
    connection.requests += 1
    connection.current = exchange
    return connection
  }
}

/** Whether the response that is being sent should be the connection's last. */
export function isSpent(connection: Connection, nowMs: number): boolean {
  return connection.requests >= connection.requestsMax || nowMs >= connection.endsAtMs
}
