/**
 * Reads answers of HTTP/1.1 (RFC 9112) as their bytes come. It is strict: what is not HTTP is an
 * error and never guessed at, because a target that sends it is what a load is to find.
 *
 * The head is looked through once for what frames the answer; everything else of it stays text until
 * somebody asks. Most answers are read by nobody.
 */

/** Where what has been read goes to. */
export interface Reader {
  /**
   * @param head its lines behind the first, without the last line's end.
   * @param setsCookies whether one of them is `set-cookie`: that is asked of every answer.
   */
  head(status: number, statusText: string, head: string, setsCookies: boolean): void
  /** Part of the body, from `start` to `end` of a buffer that will be written over. */
  data(bytes: Buffer, start: number, end: number): void
  end(): void
}

/** What came back is not HTTP. */
export class MalformedError extends Error {
  override readonly name = "MalformedError"
  readonly code = "MALFORMED"
}

const headBytesMax = 64 * 1024
/** Of the line in front of a chunk, with what it is annotated by. */
const lineBytesMax = 4096
const headEnd = Buffer.from("\r\n\r\n")
const lineEnd = Buffer.from("\r\n")
const beginning = Buffer.from("HTTP/1.")
const noBytes = Buffer.alloc(0)

type State =
  | "idle"
  | "head"
  | "length"
  | "size"
  | "chunk"
  | "chunk end"
  | "trailers"
  | "until close"

export class ResponseParser {
  /** Whether another request may follow on this connection. */
  keepsAlive = true
  #state: State = "idle"
  #reader: Reader | undefined
  #isHead = false
  /** Of the body or of the chunk. */
  #left = 0
  /** What has come of something that has not come whole. */
  #rest: Buffer = noBytes

  /** An answer is to come. @param isHead to a HEAD: it has no body, whatever it says. */
  expect(reader: Reader, isHead: boolean): void {
    this.#reader = reader
    this.#isHead = isHead
    this.#state = "head"
  }

  /**
   * Reads the first `count` bytes of a buffer. There may be more in it, left over from before; to cut
   * them off would take an object for every read.
   * @throws {MalformedError} when it is not HTTP.
   */
  feed(buffer: Buffer, count = buffer.length): void {
    let bytes = buffer
    let end = count
    if (this.#rest.length > 0) {
      bytes = Buffer.concat([this.#rest, buffer.subarray(0, count)])
      end = bytes.length
      this.#rest = noBytes
    }
    let at = 0
    while (at < end) {
      const next = this.#step(bytes, at, end)
      if (next === undefined) {
        // Copied: the buffer that it came in is used again.
        this.#rest = Buffer.from(bytes.subarray(at, end))
        return
      }
      at = next
    }
  }

  /** The other side has closed. @returns whether that was the end of an answer. */
  close(): boolean {
    if (this.#state !== "until close") return false
    this.#end()
    return true
  }

  /** How far it has come; undefined when it takes more bytes to tell. */
  #step(bytes: Buffer, at: number, end: number): number | undefined {
    switch (this.#state) {
      case "idle":
        // More than the answer. Whatever it is, the next answer can't be told from it.
        this.keepsAlive = false
        return end
      case "head":
        return this.#readHead(bytes, at, end)
      case "length":
      case "chunk":
        return this.#readBody(bytes, at, end)
      case "size":
        return this.#readSize(bytes, at, end)
      case "chunk end":
        if (end - at < 2) return undefined
        if (bytes[at] !== 13 || bytes[at + 1] !== 10) throw new MalformedError("a chunk has no end")
        this.#state = "size"
        return at + 2
      case "trailers":
        return this.#readTrailer(bytes, at, end)
      case "until close":
        this.#reader!.data(bytes, at, end)
        return end
      default:
        return this.#state satisfies never
    }
  }

  #readHead(bytes: Buffer, at: number, end: number): number | undefined {
    for (let index = 0; index < beginning.length && at + index < end; index++) {
      if (bytes[at + index] !== beginning[index]) throw new MalformedError("no status line")
    }
    const found = bytes.indexOf(headEnd, at)
    const isWhole = found !== -1 && found + 4 <= end
    if ((isWhole ? found : end) - at > headBytesMax) {
      throw new MalformedError(`headers of more than ${headBytesMax} bytes`)
    }
    if (!isWhole) return undefined
    this.#takeHead(bytes.toString("latin1", at, found))
    return found + 4
  }

  #takeHead(text: string): void {
    const firstEnd = text.indexOf("\r\n")
    const first = firstEnd === -1 ? text : text.slice(0, firstEnd)
    const status = Number(first.slice(9, 12))
    const isStatusLine =
      (first[7] === "1" || first[7] === "0") &&
      first[8] === " " &&
      status >= 100 &&
      status <= 999 &&
      (first.length === 12 || first[12] === " ") &&
      !unfit.test(first)
    if (!isStatusLine) throw new MalformedError("no status line")
    const head = firstEnd === -1 ? "" : text.slice(firstEnd + 2)
    const framing = framingOf(head)
    if (status < 200) {
      if (status === 101) throw new MalformedError("another protocol, which nobody asked for")
      // The answer itself is still to come.
      return
    }
    const isOld = first[7] === "0"
    this.keepsAlive = isOld ? framing.keepsAlive : !framing.closes
    this.#reader!.head(status, first.slice(13), head, framing.setsCookies)
    if (this.#isHead || status === 204 || status === 304) this.#end()
    else if (framing.isChunked) this.#state = "size"
    else if (framing.length === undefined) {
      this.keepsAlive = false
      this.#state = "until close"
    } else if (framing.length === 0) this.#end()
    else {
      this.#left = framing.length
      this.#state = "length"
    }
  }

  #readBody(bytes: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + this.#left)
    this.#left -= to - at
    this.#reader!.data(bytes, at, to)
    if (this.#left === 0) {
      if (this.#state === "chunk") this.#state = "chunk end"
      else this.#end()
    }
    return to
  }

  #readSize(bytes: Buffer, at: number, end: number): number | undefined {
    const line = lineAt(bytes, at, end)
    if (line === undefined) return undefined
    const size = /^([0-9a-f]{1,12})[\t ]*(?:;.*)?$/i.exec(line)?.[1]
    if (size === undefined) throw new MalformedError("a chunk of no size")
    this.#left = Number.parseInt(size, 16)
    this.#state = this.#left === 0 ? "trailers" : "chunk"
    return at + line.length + 2
  }

  #readTrailer(bytes: Buffer, at: number, end: number): number | undefined {
    const line = lineAt(bytes, at, end)
    if (line === undefined) return undefined
    if (line === "") this.#end()
    else if (!line.includes(":")) throw new MalformedError("a header without a colon")
    return at + line.length + 2
  }

  #end(): void {
    this.#state = "idle"
    this.#reader!.end()
  }
}

/** The headers of a head, by their names in lower case. */
export function parseHeaders(head: string): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null)
  for (const line of head === "" ? [] : head.split("\r\n")) {
    const colon = line.indexOf(":")
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    const known = headers[name]
    // Cookies are the one header whose values can't be joined.
    if (name === "set-cookie") headers[name] = [...(known ?? []), value]
    else headers[name] = known === undefined ? value : `${known}, ${value}`
  }
  return headers
}

interface Framing {
  readonly length: number | undefined
  readonly isChunked: boolean
  readonly closes: boolean
  readonly keepsAlive: boolean
  readonly setsCookies: boolean
}

const none: readonly string[] = []

/** What may stand in no line: control characters, and line ends that are none. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about
const unfit = /[\x00-\x08\x0a-\x1f\x7f]/
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

function framingOf(head: string): Framing {
  let length: number | undefined
  let coding = ""
  let connection = ""
  let setsCookies = false
  let at = 0
  while (at < head.length) {
    const found = head.indexOf("\r\n", at)
    const end = found === -1 ? head.length : found
    const line = head.slice(at, end)
    at = end + 2
    const colon = line.indexOf(":")
    if (colon < 1) throw new MalformedError("a header without a colon")
    if (unfit.test(line)) throw new MalformedError("a character in a header that may not be there")
    // The headers that are looked for have one of three lengths.
    if (colon !== 14 && colon !== 17 && colon !== 10) {
      if (!token.test(line.slice(0, colon)))
        throw new MalformedError("a header's name that is none")
      continue
    }
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    if (name === "content-length") {
      const stated = /^\d{1,15}$/.test(value) ? Number(value) : undefined
      if (stated === undefined) throw new MalformedError("a content-length that is no number")
      if (length !== undefined && length !== stated) throw new MalformedError("two lengths")
      length = stated
    } else if (name === "transfer-encoding") coding += `,${value.toLowerCase()}`
    else if (name === "connection") connection += `,${value.toLowerCase()}`
    else if (name === "set-cookie") setsCookies = true
    else if (!token.test(name)) throw new MalformedError("a header's name that is none")
  }
  if (coding !== "" && length !== undefined) {
    throw new MalformedError("both content-length and transfer-encoding")
  }
  const isChunked = /(?:^|,)[\t ]*chunked[\t ]*$/.test(coding)
  const options = connection === "" ? none : connection.split(",").map((option) => option.trim())
  return {
    length: isChunked ? undefined : length,
    isChunked,
    closes: options.includes("close"),
    keepsAlive: options.includes("keep-alive"),
    setsCookies,
  }
}

/** The line that begins there, without its end; undefined when it has not come whole. */
function lineAt(bytes: Buffer, at: number, end: number): string | undefined {
  const found = bytes.indexOf(lineEnd, at)
  const isWhole = found !== -1 && found + 2 <= end
  if ((isWhole ? found : end) - at > lineBytesMax) {
    throw new MalformedError(`a line of more than ${lineBytesMax} bytes`)
  }
  return isWhole ? bytes.toString("latin1", at, found) : undefined
}
