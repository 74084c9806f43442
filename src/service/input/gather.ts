/**
 * Gathers the bytes of a body. What comes off a socket lies in memory that it shares with others, of
 * which nothing can be moved to another thread; and to put a large body together at its end would
 * hold up the thread that serves. So more than a few bytes are copied as they come, into pieces
 * that can be moved, and are put together by who reads them.
 */
import { copyBytesMin, type Pieces, whole } from "./received.ts"

const pieceBytesMin = 65_536
const pieceBytesMax = 1_048_576
/** Of few bytes, so many are kept as they came. */
const piecesMax = 16

export class Gather {
  readonly #pieces: Uint8Array<ArrayBuffer>[] = []
  /** The last piece, if there is room in it. */
  #open: Uint8Array<ArrayBuffer> | undefined
  #filled = 0
  #length = 0

  add(chunk: Buffer): void {
    const bytes = chunk as Buffer<ArrayBuffer>
    const isCopied = this.#length > copyBytesMin
    this.#length += bytes.length
    if (this.#length <= copyBytesMin) {
      this.#pieces.push(bytes)
      // What a piece is kept in takes hundreds of bytes, and a client may send them one by one.
      if (this.#pieces.length === piecesMax) this.#pieces.push(whole(this.#pieces.splice(0)))
      return
    }
    if (!isCopied) for (const piece of this.#pieces.splice(0)) this.#copy(piece)
    this.#copy(bytes)
  }

  /** What has come. To be called once, at the end. */
  end(): Pieces {
    this.#close()
    return this.#pieces
  }

  /** An eighth of what is there: few pieces, little room that stays empty, and none made at length. */
  get #nextBytes(): number {
    return Math.min(pieceBytesMax, Math.max(pieceBytesMin, this.#length >> 3))
  }

  #copy(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      this.#open ??= new Uint8Array(Buffer.allocUnsafeSlow(this.#nextBytes).buffer)
      const part = bytes.subarray(at, at + this.#open.length - this.#filled)
      this.#open.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled === this.#open.length) this.#close()
    }
  }

  #close(): void {
    if (this.#open === undefined) return
    // One of a few bytes is cloned, not moved, and must not bring its empty room along.
    const isSmall = this.#filled < pieceBytesMin / 2
    this.#pieces.push(
      isSmall ? this.#open.slice(0, this.#filled) : this.#open.subarray(0, this.#filled),
    )
    this.#open = undefined
    this.#filled = 0
  }
}
