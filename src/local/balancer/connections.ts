/**
 * Connections to one replica, kept alive. The youngest that is idle is used again, so that those that
 * nobody needs any more grow old and are closed.
 */
import { Connection } from "./connection.ts"
import type { Room } from "./room.ts"

/** Idle connections; more are closed when they become idle. */
const idleMax = 256

export class Connections {
  readonly #origin: URL
  readonly #room: Room
  readonly #all = new Set<Connection>()
  /** The youngest last. */
  readonly #idle: Connection[] = []

  constructor(origin: URL, room: Room) {
    this.#origin = origin
    this.#room = room
  }

  /** One that is idle, or a new one. */
  take(): Connection {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined) return this.#room.add(() => this.#open())
      this.#room.busy(connection)
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
        else {
          this.#idle.push(connection)
          this.#room.idle(connection)
        }
      },
      closed: (connection) => {
        this.#all.delete(connection)
        const at = this.#idle.indexOf(connection)
        if (at >= 0) this.#idle.splice(at, 1)
        this.#room.closed(connection)
      },
    })
    this.#all.add(connection)
    return connection
  }
}
