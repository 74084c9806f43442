/**
 * Connections to one replica, kept alive. The youngest that is idle is used again, so that those that
 * nobody needs any more grow old and are closed.
 */
import { Connection } from "./connection.ts"

/** Idle connections; more are closed when they become idle. */
const idleMax = 256

export class Connections {
  readonly #origin: URL
  readonly #all = new Set<Connection>()
  /** The youngest last. */
  readonly #idle: Connection[] = []

  constructor(origin: URL) {
    this.#origin = origin
  }

  /** One that is idle, or a new one. */
  take(): Connection {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined) return this.#open()
      if (connection.isSound) return connection
      connection.destroy()
    }
  }

  /** Closes all of them, whatever they carry. */
  destroy(): void {
    for (const connection of this.#all) connection.destroy()
  }

  #open(): Connection {
    const connection = new Connection(this.#origin, {
      idle: (connection) => {
        if (this.#idle.length >= idleMax) connection.destroy()
        else this.#idle.push(connection)
      },
      closed: (connection) => {
        this.#all.delete(connection)
        const at = this.#idle.indexOf(connection)
        if (at >= 0) this.#idle.splice(at, 1)
      },
    })
    this.#all.add(connection)
    return connection
  }
}
