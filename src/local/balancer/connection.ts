/**
 * One connection to a replica, for one request at a time.
 *
 * It is connecting, then idle or busy in turns, then closed; or handed over, when the replica agrees
 * that it becomes something else. Node's own client does the same and far more, and that is most of
 * what a request would cost here: nearly every one is a single write, and one read whose bytes are
 * the whole answer.
 */
import assert from "node:assert/strict"
import type { Socket } from "node:net"
import { net } from "../../core/http/builtin.ts"
import { type Reader, type ResponseHead, ResponseParser } from "../../core/http/response-parser.ts"
import { linesOf, type Message } from "./message.ts"

/** Who has sent a request, and is told what comes of it, though never before `send` returns. */
export interface Exchange {
  /** It stands: a body that flows may begin to. */
  connected(): void
  interim(head: ResponseHead): void
  answered(head: ResponseHead): void
  data(bytes: Buffer): void
  ended(trailers: string): void
  /** All that came in one read has been told. */
  settled(): void
  /** Takes more of the body again. */
  drained(): void
  /** There will be no whole answer. The connection may still be asked what became of it: fate.ts. */
  failed(error: NodeJS.ErrnoException): void
  /** Nothing is left of it here: always, once, and last. */
  over(): void
}

/** On one machine a connection takes microseconds; one that takes this long will not come. */
const connectTimeoutMs = 2000

/**
 * A connection that has been idle for longer is not used again. Servers close theirs after some
 * seconds (Node after 5), and a request that is not on its way can't meet that.
 */
const idleMsMax = 4000

export class Connection {
  readonly socket: Socket
  readonly #onIdle: (connection: Connection) => void
  readonly #parser = new ResponseParser()
  #exchange: Exchange | undefined
  #isChunked = false
  /** How much of the exchange is still to come. */
  #isSending = false
  #isReceiving = false
  #hasHeard = false
  #isHandedOver = false

  /**
   * @param events `idle` whenever the next request may use it, `closed` once, when its socket is no
   * more.
   */
  constructor(
    origin: URL,
    events: {
      readonly idle: (connection: Connection) => void
      readonly closed: (connection: Connection) => void
    },
  ) {
    this.#onIdle = events.idle
    const socket = net.connect({
      host: origin.hostname,
      port: Number(origin.port || 80),
      autoSelectFamily: false,
      noDelay: true,
      // So that one can find out what became of the last request: see fate.ts.
      allowHalfOpen: true,
    })
    this.socket = socket
    socket.setTimeout(connectTimeoutMs)
    socket.once("connect", () => {
      socket.setTimeout(idleMsMax)
      if (this.#isSending) this.#exchange?.connected()
    })
    socket.on("timeout", () => {
      // After a stall of this process, what was made meanwhile is seen before it is given up.
      if (socket.connecting) setImmediate(() => socket.connecting && socket.destroy(tooSlow()))
      else if (this.#exchange === undefined && !this.#isHandedOver) socket.destroy()
    })
    socket.on("data", this.#read)
    socket.on("end", this.#end)
    socket.on("drain", () => this.#exchange?.drained())
    // That of an idle one is no loss.
    socket.on("error", (error) => this.#fail(error))
    socket.once("close", () => {
      this.#fail(hangUp())
      events.closed(this)
    })
  }

  /** Whether the next request may use it. */
  get isSound(): boolean {
    const { writable, writableLength, readableEnded } = this.socket
    return this.#parser.keepsAlive && writable && writableLength === 0 && !readableEnded
  }

  /** Whether anything has come of the answer that is waited for. */
  get hasHeard(): boolean {
    return this.#hasHeard
  }

  /** It must be idle, or new. A body that flows is written later, piece by piece. */
  send({ method, head, body, isChunked, mayUpgrade }: Message, exchange: Exchange): void {
    assert.equal(this.#exchange, undefined, "one request at a time")
    const { socket } = this
    this.#exchange = exchange
    this.#isReceiving = true
    this.#hasHeard = false
    this.#isChunked = isChunked
    this.#isSending = true
    this.#parser.expect(this.#reader, method === "HEAD", mayUpgrade)
    // In one piece: see fate.ts.
    socket.cork()
    socket.write(head, "latin1")
    if (body !== "flows") {
      this.write(body)
      this.finish([])
    } else if (!socket.connecting) queueMicrotask(() => this.#exchange?.connected())
    socket.uncork()
  }

  /** Part of a body that flows. @returns whether to go on at once, or when it has drained. */
  write(piece: Buffer): boolean {
    const { socket } = this
    if (piece.length === 0) return true
    if (!this.#isChunked) return socket.write(piece)
    socket.cork()
    socket.write(`${piece.length.toString(16)}\r\n`, "latin1")
    socket.write(piece)
    const goesOn = socket.write("\r\n", "latin1")
    socket.uncork()
    return goesOn
  }

  /** The end of a body that flows. @param trailers names and values in turn. */
  finish(trailers: readonly string[]): void {
    if (!this.#isSending) return
    this.#isSending = false
    if (this.#isChunked) this.socket.write(`0\r\n${linesOf(trailers)}\r\n`, "latin1")
    this.#release()
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  /** Closes it, whatever it carries. */
  destroy(): void {
    this.socket.destroy()
  }

  /** It has become something else, and belongs to whoever asked for that, until it is closed. */
  handOver(): Socket {
    this.#isHandedOver = true
    this.socket.off("data", this.#read)
    this.socket.off("end", this.#end)
    return this.socket
  }

  readonly #reader: Reader = {
    interim: (head) => this.#exchange?.interim(head),
    head: (head) => this.#exchange?.answered(head),
    data: (bytes, start, end) => this.#exchange?.data(bytes.subarray(start, end)),
    end: (trailers) => {
      this.#exchange?.ended(trailers)
      this.#isReceiving = false
    },
  }

  readonly #read = (bytes: Buffer): void => {
    this.#hasHeard = true
    try {
      this.#parser.feed(bytes)
    } catch (error) {
      // Whatever it was, where the next answer begins is not known any more.
      this.#fail(error as Error)
      this.socket.destroy()
      return
    }
    this.#exchange?.settled()
    this.#release()
  }

  readonly #end = (): void => {
    const { socket } = this
    // An answer may end where its connection does.
    this.#parser.close()
    if (this.#isReceiving) {
      this.#fail(hangUp())
      // Behind whoever learns from it that its request has failed, and writes to find out why.
      process.nextTick(() => socket.end())
    } else if (this.#isSending) socket.destroy()
    else socket.end()
  }

  /** When nothing of the exchange is left to come. */
  #release(): void {
    const exchange = this.#exchange
    if (this.#isReceiving || this.#isSending || this.#isHandedOver) return
    if (!this.isSound) this.socket.destroy()
    else if (exchange !== undefined) {
      this.#exchange = undefined
      this.socket.setTimeout(idleMsMax)
      this.socket.resume()
      this.#onIdle(this)
      exchange.over()
    }
  }

  #fail(error: Error): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    if (exchange === undefined) return
    if (this.#isReceiving && !this.#isHandedOver) exchange.failed(error)
    exchange.over()
  }
}

/** The other side has ended the connection. Node's words and code for it, which people know. */
function hangUp(): NodeJS.ErrnoException {
  return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" })
}

function tooSlow(): NodeJS.ErrnoException {
  const message = `There was no connection within ${connectTimeoutMs} ms.`
  return Object.assign(new Error(message), { code: "ETIMEDOUT", syscall: "connect" })
}
