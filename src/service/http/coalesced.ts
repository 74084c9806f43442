/**
 * A body whose small pieces are put together before anybody sees them.
 *
 * A client may send a body byte by byte. What reads forms keeps some forty bytes of each piece of a
 * field until its end, so that memory would be held that nobody has counted.
 */
import type { IncomingMessage } from "node:http"
import { Transform, type TransformCallback } from "node:stream"

/** Pieces of so many bytes are large: what is held beside them is little. */
const largeBytes = 4096

export class Coalesced extends Transform {
  /** As the library wants them of a request. */
  readonly headers: IncomingMessage["headers"]
  readonly #small = Buffer.allocUnsafe(largeBytes)
  #length = 0

  constructor(request: IncomingMessage) {
    super()
    this.headers = request.headers
    request.pipe(this)
    request.once("close", () => {
      // Who left while sending has sent no whole body.
      if (!request.readableEnded) this.destroy()
    })
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#length + chunk.length > largeBytes) this.#pushSmall()
    if (chunk.length >= largeBytes) {
      this.push(chunk)
    } else {
      this.#length += chunk.copy(this.#small, this.#length)
    }
    done()
  }

  override _flush(done: TransformCallback): void {
    this.#pushSmall()
    done()
  }

  #pushSmall(): void {
    if (this.#length > 0) this.push(Buffer.from(this.#small.subarray(0, this.#length)))
    this.#length = 0
  }
}
