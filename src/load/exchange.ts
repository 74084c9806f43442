/** One request and what came of it, by undici's `dispatch`: no streams, no promise, few objects. */
import type { IncomingHttpHeaders } from "node:http"
import type { Dispatcher } from "undici"
import type { Connection } from "./connections.ts"

export interface Message {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

export class Exchange implements Dispatcher.DispatchHandler {
  readonly connection: Connection
  readonly sentAtMs: number
  status = 0
  statusText = ""
  headers: IncomingHttpHeaders = {}
  bytes = 0
  /** Why there was no whole answer. */
  error: Error | undefined
  readonly #chunks: Buffer[] = []
  #kept = 0
  readonly #keepBytes: (status: number) => number
  readonly #ended: (exchange: Exchange) => void

  /**
   * @param keepBytes how much of the body is wanted, by the answer's status; the rest is counted.
   * @param ended called once, whatever happens.
   */
  constructor(
    connection: Connection,
    message: Message,
    sentAtMs: number,
    keepBytes: (status: number) => number,
    ended: (exchange: Exchange) => void,
  ) {
    this.connection = connection
    this.sentAtMs = sentAtMs
    this.#keepBytes = keepBytes
    this.#ended = ended
    const { method, path, headers, body } = message
    connection.client.dispatch({ method, path, headers, body: body ?? null }, this)
  }

  /** What was kept of the body. */
  get body(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** Cuts it off: whatever it is doing, it ends with this error. */
  abort(error: Error): void {
    this.connection.client.destroy(error)
  }

  onRequestStart(): void {
    // undici asks for a handler of this name.
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
    statusText = "",
  ): void {
    this.status = status
    this.statusText = statusText
    this.headers = headers
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.bytes += chunk.byteLength
    const room = this.#keepBytes(this.status) - this.#kept
    if (room <= 0) return
    const kept = Buffer.from(chunk.subarray(0, room))
    this.#chunks.push(kept)
    this.#kept += kept.byteLength
  }

  onResponseEnd(): void {
    this.#ended(this)
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.error = error
    this.#ended(this)
  }
}
