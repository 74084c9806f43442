/** A client that says exactly what it is told to: half a request, a wrong one, one very slowly. */
import { once } from "node:events"
import { connect, type Socket } from "node:net"

export class RawClient implements Disposable {
  readonly socket: Socket
  received = ""
  ended = false
  /** The connection was reset. */
  failed: NodeJS.ErrnoException | undefined
  readonly #told = new EventTarget()

  /** @param localAddress from which it comes. @default that which the system takes */
  constructor(port: number, localAddress?: string) {
    this.socket = connect({ host: "127.0.0.1", port, localAddress, allowHalfOpen: true })
    this.socket.on("data", (chunk) => {
      this.received += chunk.toString("latin1")
      this.#tell()
    })
    this.socket.on("end", () => {
      this.ended = true
      this.#tell()
    })
    this.socket.on("error", (error) => {
      this.failed = error
      this.#tell()
    })
  }

  static async connect(port: number, localAddress?: string): Promise<RawClient> {
    const client = new RawClient(port, localAddress)
    await once(client.socket, "connect")
    return client
  }

  write(...lines: string[]): void {
    this.socket.write(lines.join("\r\n"))
  }

  /** Resolves with all that was received, once the other side has said all or `wanted` is in it. */
  async read(wanted?: string): Promise<string> {
    while (!this.ended && !this.failed && !(wanted && this.received.includes(wanted))) {
      await once(this.#told, "told")
    }
    return this.received
  }

  /** Resolves with what `look` finds in all that was received. */
  async until<T>(look: (received: string) => T | undefined): Promise<T> {
    for (;;) {
      const found = look(this.received)
      if (found !== undefined) return found
      if (this.ended || this.failed) throw new Error(`It is over: ${this.received}`)
      await once(this.#told, "told")
    }
  }

  #tell(): void {
    this.#told.dispatchEvent(new Event("told"))
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

/** The status of the first response in what was received. */
export function statusOf(received: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1])
}
