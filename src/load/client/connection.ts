/**
 * One connection to the target, for one request at a time, in HTTP/1.1.
 *
 * It is connecting, then idle or busy in turns, then closed; from each it can be closed. It has a
 * client of its own rather than a library's because everything that is measured passes through
 * here, and a generator that needs less CPU for a request can tell more about the target: one write,
 * one read into a buffer that all connections share, nothing in between.
 */
import assert from "node:assert/strict"
import type { Socket } from "node:net"
import { type Reader, ResponseParser } from "../../core/http/response-parser.ts"
import type { Linked } from "./chain.ts"
import { isIdempotent, type Message } from "./message.ts"

/** Who has sent a request, and is told what comes of it: the answer, or an error. */
export interface Sent {
  /** It is being written, just now. */
  written(): void
  /** The first byte of an answer has come. */
  begun(): void
  head: Reader["head"]
  data: Reader["data"]
  end(): void
  /** There will be no whole answer. */
  failed(error: Error): void
}

/** Opens a socket. */
export type Connect = (events: {
  /** What has come: so many bytes at the beginning of a buffer that is written over afterwards. */
  readonly data: (buffer: Buffer, count: number) => void
  readonly connected: () => void
  /** Nothing comes any more. May be told more than once. */
  readonly closed: (error: Error | undefined) => void
  /** At last: the system has it back. */
  readonly gone: () => void
}) => Socket

export class Connection implements Linked<Connection> {
  before: Connection | undefined
  after: Connection | undefined
  requestsLeft: number
  readonly expiresAtMs: number
  idleSinceMs: number
  /** Whether it has carried a request before the one that it carries now. */
  isUsed = false
  readonly #socket: Socket
  readonly #parser = new ResponseParser()
  readonly #closed: (connection: Connection) => void
  readonly #gone: (connection: Connection) => void
  #state: "connecting" | "ready" | "closed" = "connecting"
  #sent: Sent | undefined
  #message: Message | undefined
  #hasBegun = false

  /**
   * @param events `closed` is called once, when it can't be used any more, `gone` once after that,
   * when its socket is no more.
   */
  constructor(
    connect: Connect,
    bounds: { readonly nowMs: number; readonly expiresAtMs: number; readonly requests: number },
    events: {
      readonly closed: (connection: Connection) => void
      readonly gone: (connection: Connection) => void
    },
  ) {
    this.expiresAtMs = bounds.expiresAtMs
    this.requestsLeft = bounds.requests
    this.idleSinceMs = bounds.nowMs
    this.#closed = events.closed
    this.#gone = events.gone
    this.#socket = connect({
      data: (bytes, count) => this.#read(bytes, count),
      connected: () => this.#connected(),
      closed: (error) => this.#close(error),
      gone: () => this.#gone(this),
    })
  }

  /** Whether the next request may use it. */
  get isSound(): boolean {
    return this.#state !== "closed" && this.#parser.keepsAlive
  }

  /** It must not be busy. Whatever happens, `sent` is told, though never before this returns. */
  send(message: Message, sent: Sent): void {
    assert.equal(this.#sent, undefined, "one request at a time")
    this.#sent = sent
    this.#message = message
    this.#hasBegun = false
    if (this.#state === "ready") {
      // What may not be sent twice must not meet a connection whose end is on its way already: that
      // is read first.
      if (this.isUsed && !isIdempotent(message.method)) setImmediate(() => this.#write())
      else this.#write()
    } else if (this.#state === "closed") {
      queueMicrotask(() => this.#fail(closedError()))
    }
  }

  /** Ends it, and what it carries with this error. */
  destroy(error: Error = closedError()): void {
    this.#close(error)
  }

  #connected(): void {
    if (this.#state !== "connecting") return
    this.#state = "ready"
    if (this.#message !== undefined) this.#write()
  }

  #write(): void {
    const message = this.#message
    if (message === undefined || this.#state !== "ready") return
    this.#message = undefined
    const { method, head, body } = message
    this.#parser.expect(this.#reader, method === "HEAD")
    this.#sent!.written()
    if (body === null) this.#socket.write(head, "latin1")
    else {
      this.#socket.cork()
      this.#socket.write(head, "latin1")
      this.#socket.write(body)
      this.#socket.uncork()
    }
  }

  readonly #reader: Reader = {
    interim: () => {},
    head: (head) => this.#sent?.head(head),
    data: (bytes, start, end) => this.#sent?.data(bytes, start, end),
    end: () => {
      const sent = this.#sent
      this.#sent = undefined
      this.isUsed = true
      sent?.end()
    },
  }

  #read(bytes: Buffer, count: number): void {
    if (this.#state === "closed") return
    if (!this.#hasBegun) {
      this.#hasBegun = true
      this.#sent?.begun()
    }
    try {
      this.#parser.feed(bytes, count)
    } catch (error) {
      this.#close(error as Error)
    }
  }

  #close(error: Error | undefined): void {
    if (this.#state === "closed") return
    // An answer may end where its connection does.
    if (error === undefined) this.#parser.close()
    this.#state = "closed"
    this.#socket.destroy()
    this.#fail(error ?? closedError())
    this.#closed(this)
  }

  #fail(error: Error): void {
    const sent = this.#sent
    this.#sent = undefined
    this.#message = undefined
    sent?.failed(error)
  }
}

function closedError(): Error {
  const error: NodeJS.ErrnoException = new Error("the other side closed the connection")
  error.code = "ECONNRESET"
  return error
}
