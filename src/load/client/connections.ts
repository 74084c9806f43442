/**
 * Connections to the target, each for one request at a time.
 *
 * They are used in turn, and have a bounded age and number of requests, give or take a fifth. A
 * Kubernetes Service balances connections, not requests: a generator that keeps its connections
 * sends nothing to the pods that the autoscaler adds, and makes a good autoscaler look broken. A new
 * connection asks DNS again, too.
 */
import type { Clock } from "../../core/clock.ts"
import { jitter, type Random } from "../../core/random.ts"
import { Chain } from "./chain.ts"
import { type Connect, Connection } from "./connection.ts"

export interface ConnectionBounds {
  /** 0: none. */
  readonly ageMsMax: number
  /** 0: none. */
  readonly requestsMax: number
}

/**
 * One that has been idle for longer is not used again: servers close theirs after some seconds (Node
 * after 5), and a request that meets a closing connection would fail for no fault of the target's.
 */
const idleMsMax = 3000

export class Connections {
  readonly #connect: Connect
  readonly #bounds: ConnectionBounds
  readonly #clock: Clock
  readonly #random: Random
  /** All whose sockets there are. */
  readonly #all = new Set<Connection>()
  /** Those that are free, the longest free first. */
  readonly #idle = new Chain<Connection>()
  #allGone: (() => void) | undefined

  constructor(connect: Connect, bounds: ConnectionBounds, clock: Clock, random: Random) {
    this.#connect = connect
    this.#bounds = bounds
    this.#clock = clock
    this.#random = random
  }

  take(): Connection {
    const nowMs = this.#clock()
    for (;;) {
      const connection = this.#idle.first
      if (connection === undefined) return this.open()
      this.#idle.delete(connection)
      if (
        nowMs - connection.idleSinceMs < idleMsMax &&
        nowMs < connection.expiresAtMs &&
        connection.isSound
      ) {
        return connection
      }
      connection.destroy()
    }
  }

  /** One that nobody has used. */
  open(): Connection {
    const { ageMsMax, requestsMax } = this.#bounds
    const nowMs = this.#clock()
    const never = Number.POSITIVE_INFINITY
    const connection = new Connection(
      this.#connect,
      {
        nowMs,
        expiresAtMs: ageMsMax === 0 ? never : nowMs + jitter(ageMsMax, 0.2, this.#random),
        requests:
          requestsMax === 0
            ? never
            : Math.max(1, Math.round(jitter(requestsMax, 0.2, this.#random))),
      },
      {
        closed: (closed) => void this.#idle.delete(closed),
        gone: (gone) => {
          this.#all.delete(gone)
          if (this.#all.size === 0) this.#allGone?.()
        },
      },
    )
    this.#all.add(connection)
    return connection
  }

  /** Gives a connection back, when its request is over. */
  give(connection: Connection): void {
    const nowMs = this.#clock()
    connection.requestsLeft -= 1
    connection.idleSinceMs = nowMs
    if (connection.requestsLeft > 0 && nowMs < connection.expiresAtMs && connection.isSound) {
      this.#idle.add(connection)
    } else {
      connection.destroy()
    }
  }

  /** Ends all of them at once, with whatever they carry. Resolves when no socket is left. */
  async destroy(): Promise<void> {
    for (const connection of this.#all) connection.destroy()
    if (this.#all.size === 0) return
    await new Promise<void>((resolve) => {
      this.#allGone = resolve
    })
  }
}
