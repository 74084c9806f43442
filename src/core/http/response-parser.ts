/**
 * Reads answers of HTTP/1.1 (RFC 9112) as their bytes come. It is strict: what is not HTTP is an
 * error and never guessed at. A target that sends it is what a load is to find, and a balancer that
 * guessed could take the end of one client's answer for the beginning of another's.
 *
 * The head is looked through once for what frames the answer; everything else of it stays text until
 * somebody asks. Most answers are read by nobody.
 */

/** Where what has been read goes to. */
export interface Reader {
  /** One in front of the answer (100, 103): there may be several. */
  interim(head: ResponseHead): void
  /** 101 only where that was expected: all that comes behind it is data, and there is no end. */
  head(head: ResponseHead): void
  /** Part of the body, from `start` to `end` of a buffer that may be written over. */
  data(bytes: Buffer, start: number, end: number): void
  /** @param trailers as {@link ResponseHead.lines}. */
  end(trailers: string): void
}

export interface ResponseHead {
  readonly status: number
  readonly statusText: string
  /** Those behind the first, without the last one's end. */
  readonly lines: string
  /** What `Connection` says, in lower case, with a comma in front; empty when it says nothing. */
  readonly connection: string
  /** Whether there is a `Set-Cookie`: that is asked of every answer. */
  readonly setsCookies: boolean
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
  | "other protocol"

export class ResponseParser {
  /** Whether another request may follow on this connection. */
  keepsAlive = true
  #state: State = "idle"
  #reader: Reader | undefined
  #isHead = false
  #mayUpgrade = false
  #trailers = ""
  /** Of the body or of the chunk. */
  #left = 0
  /** What has come of something that has not come whole. */
  #rest: Buffer = noBytes

  /**
   * An answer is to come.
   * @param isHead to a HEAD: it has no body, whatever it says.
   * @param mayUpgrade to a request for another protocol.
   */
  expect(reader: Reader, isHead: boolean, mayUpgrade = false): void {
    this.#reader = reader
    this.#isHead = isHead
    this.#mayUpgrade = mayUpgrade
    this.#trailers = ""
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

  /** The other side has closed, which may be the end of an answer. */
  close(): void {
    if (this.#state === "until close") this.#end()
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
      case "other protocol":
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
    if ((isWhole ? found : end) - at > headBytesMax) throw new MalformedError(tooLong)
    if (!isWhole) {
      refuseBareLineFeeds(bytes, at, end)
      return undefined
    }
    this.#takeHead(bytes.toString("latin1", at, found))
    return found + 4
  }

  #takeHead(text: string): void {
    const firstEnd = text.indexOf("\r\n")
    const first = firstEnd === -1 ? text : text.slice(0, firstEnd)
    const digits = first.slice(9, 12)
    const status = Number(digits)
    const isStatusLine =
      (first[7] === "1" || first[7] === "0") &&
      first[8] === " " &&
      /^[1-9]\d\d$/.test(digits) &&
      (first.length === 12 || first[12] === " ") &&
      !unfit.test(first)
    if (!isStatusLine) throw new MalformedError("no status line")
    const lines = firstEnd === -1 ? "" : text.slice(firstEnd + 2)
    const framing = framingOf(lines)
    const { connection, setsCookies } = framing
    const head = { status, statusText: first.slice(13), lines, connection, setsCookies }
    const isOld = first[7] === "0"
    if (status >= 200) this.#takeFinal(head, framing, isOld)
    // It has none (RFC 9110, section 15.2), and some readers would take it for the last word.
    else if (isOld) throw new MalformedError("an interim answer of HTTP/1.0")
    else this.#takeInterim(head)
  }

  #takeInterim(head: ResponseHead): void {
    if (head.status !== 101) this.#reader!.interim(head)
    else if (this.#mayUpgrade) {
      this.keepsAlive = false
      this.#state = "other protocol"
      this.#reader!.head(head)
    } else throw new MalformedError("another protocol, which nobody asked for")
  }

  #takeFinal(head: ResponseHead, framing: Framing, isOld: boolean): void {
    const { status, connection } = head
    // Of chunks an old one knows nothing, or somebody in between doesn't (RFC 9112, section 6.1).
    this.keepsAlive = isOld
      ? hasOption(connection, "keep-alive") && !framing.isChunked
      : !hasOption(connection, "close")
    this.#reader!.head(head)
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
    const size = sizeLine.exec(line)?.[1]
    if (size === undefined) throw new MalformedError("a chunk of no size")
    this.#left = Number.parseInt(size, 16)
    this.#state = this.#left === 0 ? "trailers" : "chunk"
    return at + line.length + 2
  }

  #readTrailer(bytes: Buffer, at: number, end: number): number | undefined {
    const line = lineAt(bytes, at, end)
    if (line === undefined) return undefined
    if (line === "") this.#end()
    else {
      nameLength(line)
      if (this.#trailers.length + line.length > headBytesMax) throw new MalformedError(tooLong)
      this.#trailers += this.#trailers === "" ? line : `\r\n${line}`
    }
    return at + line.length + 2
  }

  #end(): void {
    this.#state = "idle"
    this.#reader!.end(this.#trailers)
  }
}

/** Names and values in turn, as they came. */
export function rawHeaders(lines: string): string[] {
  const raw: string[] = []
  for (const line of lines === "" ? none : lines.split("\r\n")) {
    const colon = line.indexOf(":")
    raw.push(line.slice(0, colon), trimmed(line.slice(colon + 1)))
  }
  return raw
}

/** The headers by their names in lower case. */
export function parseHeaders(lines: string): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null)
  const raw = rawHeaders(lines)
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase()
    const value = raw[i + 1]!
    const known = headers[name]
    // Cookies are the one header whose values can't be joined.
    if (name === "set-cookie") {
      if (Array.isArray(known)) known.push(value)
      else headers[name] = [value]
    } else headers[name] = known === undefined ? value : `${known}, ${value}`
  }
  return headers
}

interface Framing {
  readonly length: number | undefined
  readonly isChunked: boolean
  readonly connection: string
  readonly setsCookies: boolean
}

const none: readonly string[] = []

/** What may stand in no line: control characters, and line ends that are none. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it is about
const unfit = /[\x00-\x08\x0a-\x1f\x7f]/
const otherCoding = "a transfer coding that nobody asked for"
const notThere = "a character in a header that may not be there"
const tooLong = `headers of more than ${headBytesMax} bytes`
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** The line in front of a chunk: its size, and what it is annotated by (RFC 9112, section 7.1.1). */
const sizeLine = ((): RegExp => {
  const word = token.source.slice(1, -1)
  const quoted = String.raw`"(?:[\t\x20!\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t\x20-\x7e\x80-\xff])*"`
  const blank = String.raw`[\t ]*`
  const note = `${blank};${blank}${word}(?:${blank}=${blank}(?:${word}|${quoted}))?`
  return new RegExp(`^([0-9A-Fa-f]{1,12})(?:${note})*${blank}$`)
})()

function framingOf(head: string): Framing {
  let length: number | undefined
  let isChunked = false
  let connection = ""
  let setsCookies = false
  let at = 0
  while (at < head.length) {
    const found = head.indexOf("\r\n", at)
    const end = found === -1 ? head.length : found
    const line = head.slice(at, end)
    at = end + 2
    const colon = nameLength(line)
    // The headers that are looked for have one of three lengths.
    if (colon !== 14 && colon !== 17 && colon !== 10) continue
    const name = line.slice(0, colon).toLowerCase()
    const value = trimmed(line.slice(colon + 1))
    if (name === "content-length") {
      const stated = /^\d{1,15}$/.test(value) ? Number(value) : undefined
      if (stated === undefined) throw new MalformedError("a content-length that is no number")
      if (length !== undefined) throw new MalformedError("two lengths")
      length = stated
    } else if (name === "transfer-encoding") {
      // Some readers take a tab for a part of the coding, and see another end of the answer.
      if (line.includes("\t")) throw new MalformedError("a tab beside a transfer coding")
      // Nobody has asked for any other.
      if (isChunked || value.toLowerCase() !== "chunked") throw new MalformedError(otherCoding)
      isChunked = true
    } else if (name === "connection") connection += `,${value.toLowerCase()}`
    else if (name === "set-cookie") setsCookies = true
  }
  if (isChunked && length !== undefined) {
    throw new MalformedError("both content-length and transfer-encoding")
  }
  return { length, isChunked, connection, setsCookies }
}

/** Of the name of the header that this line is. @throws {MalformedError} when it is none. */
function nameLength(line: string): number {
  const length = line.indexOf(":")
  if (length < 1) throw new MalformedError("a header without a colon")
  if (unfit.test(line)) throw new MalformedError(notThere)
  if (!token.test(line.slice(0, length))) throw new MalformedError("a header's name that is none")
  return length
}

/** Whether the header `Connection`, as it stands in a {@link ResponseHead}, names this option. */
export function hasOption(connection: string, option: string): boolean {
  // Nearly always it is nothing, or this.
  if (connection === "" || connection === ",keep-alive") return option === connection.slice(1)
  return connection.split(",").some((named) => trimmed(named) === option)
}

/** Spaces and tabs only: of the bytes above 127, `trim` would take some for spaces. */
function trimmed(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text.charCodeAt(start))) start += 1
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
  return start === 0 && end === text.length ? text : text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9
}

/** A head whose lines end otherwise would have no end. */
function refuseBareLineFeeds(bytes: Buffer, at: number, end: number): void {
  for (let found = bytes.indexOf(10, at); found !== -1 && found < end; ) {
    if (found === at || bytes[found - 1] !== 13) throw new MalformedError(notThere)
    found = bytes.indexOf(10, found + 1)
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
