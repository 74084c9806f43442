/**
 * Has node:http read a connection by slices, each with few requests in it.
 *
 * node:http parses all that has come at once, 64 KiB, and makes objects of every request in it: of short
 * ones two thousand, tens of milliseconds in which nobody else has a turn, and as long again when their
 * client leaves. So of what is longer than a request usually is, it gets no more at a time than up to
 * the end of the next headers, and the next slice when there is room for what may be in it. What is left
 * meanwhile stays in the socket as it came, and nothing more is read of it.
 *
 * That node:http reads by a listener of its own for the socket's `data`, and says by `_paused` that it
 * would take nothing, is not documented. A test with a flood of requests would notice a change.
 */
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import { turn } from "./turn.ts"

/** What is no longer is not looked into: most requests are not. */
const sliceBytesMin = 512
/** The longest slice: of the pieces of a body, which may be of a byte each, and many to a slice. */
const [sliceBytesLeast, sliceBytesMost] = [4096, 65_536]
/** What took longer is followed by a shorter one, and what took a quarter of it by a longer one. */
const sliceMs = 1
/** What ends the headers of every request, and may end other things. */
const headersEnd = Buffer.from("\r\n\r\n")

export class Slices {
  readonly #socket: Socket
  readonly #parse: (slice: Buffer) => void
  /** Of what has come at once, what was not parsed yet. */
  #rest: Buffer | undefined
  /** How much of what comes is sure to be the body of one request. */
  #bodyBytes = 0
  #sliceBytesMax = sliceBytesLeast
  #isHeld = false
  #isInLine = false

  /** @param socket that node:http has just begun to read. */
  constructor(socket: Socket) {
    this.#socket = socket
    this.#parse = socket.listeners("data")[0] as (slice: Buffer) => void
    socket.off("data", this.#parse)
    socket.on("data", this.#came)
  }

  /** Whether it is our doing that no more of it is read. */
  get isHeld(): boolean {
    return this.#isHeld || this.#isInLine
  }

  /** Whether more has come of it than was parsed. */
  get hasRest(): boolean {
    return this.#rest !== undefined || this.#socket.readableLength > 0
  }

  /** Reads no further than to the end of the present slice. */
  hold(): void {
    this.#isHeld = true
  }

  goOn(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#socket.resume()
  }

  /** To be told of each request, from within its slice: a body that is announced needs no slicing. */
  arrived({ headers }: IncomingMessage): void {
    this.#bodyBytes = Number(headers["content-length"] ?? 0)
  }

  /** Leaves the connection to somebody else. Returns what has come of it and was not parsed. */
  letGo(): Buffer | undefined {
    this.#socket.off("data", this.#came)
    const rest = this.#rest
    this.#rest = undefined
    return rest
  }

  readonly #came = (chunk: Buffer): void => {
    this.#rest = chunk
    while (this.#rest !== undefined && this.#mayParse(this.#rest.length))
      this.#parseNext(this.#rest)
    if (this.#rest === undefined || this.#socket.destroyed) return
    this.#socket.pause()
    this.#socket.unshift(this.#rest)
    this.#rest = undefined
  }

  #parseNext(chunk: Buffer): void {
    const end = this.#sliceEnd(chunk)
    const isAll = end === chunk.length
    this.#rest = isAll ? undefined : chunk.subarray(end)
    if (end <= this.#plainBytes) this.#parse(isAll ? chunk : chunk.subarray(0, end))
    else this.#parseTimed(isAll ? chunk : chunk.subarray(0, end))
    // As if all of it had been the body's, which is less than it may be, never more.
    this.#bodyBytes -= end
  }

  #parseTimed(slice: Buffer): void {
    const beganAtMs = performance.now()
    this.#parse(slice)
    const tookMs = performance.now() - beganAtMs
    if (tookMs > sliceMs) {
      this.#sliceBytesMax = Math.max(sliceBytesLeast, this.#sliceBytesMax / 2)
    } else if (tookMs < sliceMs / 4) {
      this.#sliceBytesMax = Math.min(sliceBytesMost, this.#sliceBytesMax * 2)
    }
  }

  #sliceEnd(chunk: Buffer): number {
    const plain = this.#plainBytes
    if (chunk.length <= plain) return chunk.length
    const end = Math.min(chunk.length, Math.max(plain, this.#sliceBytesMax))
    const at = chunk.subarray(0, end).indexOf(headersEnd, plain - headersEnd.length)
    return at < 0 ? end : at + headersEnd.length
  }

  /** So many bytes hold few requests. */
  get #plainBytes(): number {
    return Math.max(sliceBytesMin, this.#bodyBytes)
  }

  #mayParse(bytes: number): boolean {
    const socket = this.#socket as Socket & { readonly _paused?: boolean }
    if (this.#isHeld || socket._paused === true) return false
    if (socket.isPaused() || socket.destroyed) return false
    if (bytes <= this.#plainBytes || turn.mayRead()) return true
    this.#standInLine()
    return false
  }

  #standInLine(): void {
    if (this.#isInLine) return
    this.#isInLine = true
    turn.standInLineToRead(() => {
      this.#isInLine = false
      if (!this.#isHeld) this.#socket.resume()
    })
  }
}
