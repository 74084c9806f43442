/**
 * The connections to all replicas together. Each is a file that this process has open, so there are so
 * many at the most: beyond that one that is idle is closed for a new one, and while none is idle
 * requests wait.
 */

interface Closable {
  destroy(): void
}

export class Room {
  readonly #connectionsMax: number
  readonly #open = new Set<Closable>()
  /** The one that has been idle for longest first. */
  readonly #idle = new Set<Closable>()
  readonly #onRoom: () => void

  /** @param onRoom is called when there may be room for one more. */
  constructor(connectionsMax: number, onRoom: () => void) {
    this.#connectionsMax = connectionsMax
    this.#onRoom = onRoom
  }

  /** Whether all that there may be are in use. */
  get isFull(): boolean {
    return this.#open.size >= this.#connectionsMax && this.#idle.size === 0
  }

  /** Adds one that `open` opens, for which another may have to go. */
  add<T extends Closable>(open: () => T): T {
    const [longestIdle] = this.#idle
    if (longestIdle !== undefined && this.#open.size >= this.#connectionsMax) {
      this.#forget(longestIdle)
      longestIdle.destroy()
    }
    const connection = open()
    this.#open.add(connection)
    return connection
  }

  busy(connection: Closable): void {
    this.#idle.delete(connection)
  }

  idle(connection: Closable): void {
    this.#idle.add(connection)
    this.#onRoom()
  }

  closed(connection: Closable): void {
    if (this.#forget(connection)) this.#onRoom()
  }

  #forget(connection: Closable): boolean {
    this.#idle.delete(connection)
    return this.#open.delete(connection)
  }
}
