/**
 * One request and what came of it. It can be sent more than once: again, when its connection was
 * closed under it, and on, where a redirect leads.
 */
import type { Clock } from "../../core/clock.ts"
import { parseHeaders, type ResponseHead } from "../../core/http/response-parser.ts"
import type { Failure } from "../books/failure.ts"
import type { Answer, RequestOptions } from "../scenario/scenario.ts"
import type { RunUser } from "../scenario/user.ts"
import type { Linked } from "./chain.ts"
import type { Connection, Sent } from "./connection.ts"
import type { Message } from "./message.ts"

/** Of a failed answer's body, for the example. */
const exampleBytes = 500
/** Of an answer's body, when a scenario looks at it. */
const bodyBytesMax = 4 * 1024 * 1024

/** A request as it was asked for. */
export interface Asked {
  readonly user: RunUser
  readonly method: string
  /** What it is counted under. */
  readonly name: string
  readonly options: RequestOptions
  /** When it was to be sent, and when it was sent first. */
  readonly dueAtMs: number
  readonly sentAtMs: number
  /** To be called with the answer. */
  readonly resolve: (answer: Answer) => void
}

export class Exchange implements Sent, Linked<Exchange> {
  readonly user: RunUser
  readonly method: string
  readonly name: string
  readonly options: RequestOptions
  readonly dueAtMs: number
  readonly sentAtMs: number
  readonly resolve: (answer: Answer) => void
  before: Exchange | undefined
  after: Exchange | undefined
  message!: Message
  connection!: Connection
  /** The paths that redirects led away from. */
  trail: readonly string[] | undefined
  wasResent = false
  status = 0
  statusText = ""
  setsCookies = false
  bytes = 0
  /** When it was written to its connection, when the answer began, and when all was over. 0: not yet. */
  writtenAtMs = 0
  firstByteAtMs = 0
  endedAtMs = 0
  /** Why there was no whole answer. */
  error: Error | undefined
  /** What is wrong with where the answer leads to. */
  failure: Failure | undefined
  #head = ""
  #headers: ReturnType<typeof parseHeaders> | undefined
  #chunks: Buffer[] | undefined
  #room = 0
  readonly #clock: Clock
  readonly #over: (exchange: Exchange) => void

  /** @param over called each time that it has been sent and is over, whatever happens. */
  constructor(asked: Asked, clock: Clock, over: (exchange: Exchange) => void) {
    this.user = asked.user
    this.method = asked.method
    this.name = asked.name
    this.options = asked.options
    this.dueAtMs = asked.dueAtMs
    this.sentAtMs = asked.sentAtMs
    this.resolve = asked.resolve
    this.#clock = clock
    this.#over = over
  }

  send(connection: Connection, message: Message): void {
    this.connection = connection
    this.message = message
    this.status = 0
    this.#head = ""
    this.#headers = undefined
    this.bytes = 0
    this.writtenAtMs = 0
    this.firstByteAtMs = 0
    this.error = undefined
    this.#chunks = undefined
    connection.send(message, this)
  }

  get headers(): ReturnType<typeof parseHeaders> {
    this.#headers ??= parseHeaders(this.#head)
    return this.#headers
  }

  /** What was kept of the body. */
  get body(): Buffer {
    const chunks = this.#chunks
    if (chunks === undefined) return empty
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  }

  /** Cuts it off: whatever it is doing, it ends with this error. */
  abort(error: Error): void {
    this.connection.destroy(error)
  }

  written(): void {
    this.writtenAtMs = this.#clock()
  }

  begun(): void {
    this.firstByteAtMs = this.#clock()
  }

  head({ status, statusText, lines, setsCookies }: ResponseHead): void {
    const { discardBody, checks } = this.options
    this.setsCookies = setsCookies
    this.status = status
    this.statusText = statusText
    this.#head = lines
    this.#room =
      discardBody !== true || checks !== undefined ? bodyBytesMax : status >= 400 ? exampleBytes : 0
  }

  data(bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start
    if (this.#room <= 0) return
    // Copied: the next answer is read into the same buffer.
    const kept = Buffer.allocUnsafe(Math.min(end - start, this.#room))
    bytes.copy(kept, 0, start, end)
    this.#room -= kept.byteLength
    this.#chunks ??= []
    this.#chunks.push(kept)
  }

  end(): void {
    this.endedAtMs = this.#clock()
    this.#over(this)
  }

  failed(error: Error): void {
    this.error = error
    this.end()
  }
}

const empty = Buffer.alloc(0)
