/**
 * Connections to the target, each for one request at a time.
 *
 * They are used in turn, and have a bounded age and number of requests, give or take a fifth. A
 * Kubernetes Service balances connections, not requests: a generator that keeps its connections
 * sends nothing to the pods that the autoscaler adds, and makes a good autoscaler look broken. A new
 * connection asks DNS again, too.
 */
import { Client } from "undici"
import type { Clock } from "../core/clock.ts"
import { jitter, type Random } from "../core/random.ts"

export interface ConnectionBounds {
  /** 0: none. */
  readonly ageMsMax: number
  /** 0: none. */
  readonly requestsMax: number
}

export interface Connection {
  readonly client: Client
  readonly expiresAtMs: number
  requestsLeft: number
  idleSinceMs: number
}

/**
 * One that has been idle for longer is not used again: servers close theirs after some seconds (Node
 * after 5), and a request that meets a closing connection would fail for no fault of the target's.
 */
const idleMsMax = 3000
const connectTimeoutMs = 10_000

export class Connections {
  readonly #origin: string
  readonly #bounds: ConnectionBounds
  readonly #clock: Clock
  readonly #random: Random
  readonly #all = new Set<Connection>()
  /** Those that are free, the longest free first: a Set keeps its order, and gives both ends cheaply. */
  readonly #idle = new Set<Connection>()
  #opened = 0

  constructor(origin: string, bounds: ConnectionBounds, clock: Clock, random: Random) {
    this.#origin = origin
    this.#bounds = bounds
    this.#clock = clock
    this.#random = random
  }

  /** How many have been opened so far. */
  get opened(): number {
    return this.#opened
  }

  take(): Connection {
    const nowMs = this.#clock()
    for (const connection of this.#idle) {
      this.#idle.delete(connection)
      if (nowMs - connection.idleSinceMs < idleMsMax && nowMs < connection.expiresAtMs) {
        return connection
      }
      this.#close(connection)
    }
    return this.#open(nowMs)
  }

  /** Gives a connection back; `isSound` when the next request may use it. */
  give(connection: Connection, isSound: boolean): void {
    const nowMs = this.#clock()
    connection.requestsLeft -= 1
    connection.idleSinceMs = nowMs
    if (!isSound || connection.requestsLeft <= 0 || nowMs >= connection.expiresAtMs) {
      this.#close(connection)
    } else {
      this.#idle.add(connection)
    }
  }

  /** Ends all of them at once, with whatever they carry. */
  async destroy(): Promise<void> {
    await Promise.all(Array.from(this.#all, ({ client }) => client.destroy()))
    this.#all.clear()
    this.#idle.clear()
  }

  #open(nowMs: number): Connection {
    const { ageMsMax, requestsMax } = this.#bounds
    const client = new Client(this.#origin, {
      pipelining: 1,
      allowH2: false,
      connectTimeout: connectTimeoutMs,
      // The engine has one deadline for the whole request; these two would look at parts of it.
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    client.on("connect", () => {
      this.#opened += 1
    })
    const never = Number.POSITIVE_INFINITY
    const connection: Connection = {
      client,
      expiresAtMs: ageMsMax === 0 ? never : nowMs + jitter(ageMsMax, 0.2, this.#random),
      requestsLeft:
        requestsMax === 0 ? never : Math.max(1, Math.round(jitter(requestsMax, 0.2, this.#random))),
      idleSinceMs: nowMs,
    }
    this.#all.add(connection)
    return connection
  }

  #close(connection: Connection): void {
    this.#all.delete(connection)
    connection.client.destroy()
  }
}
