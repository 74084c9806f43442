/**
 * One request and its way to a replica and back as an answer. Both ends of it meet in the response's
 * `close`.
 *
 * A small body that has come together with its head is sent together with it, in one piece; so is a
 * small answer. That is nearly every request, it takes one write each way, and makes it certain what
 * a replica has seen (`fate.ts`). Any other body flows, as fast as it is taken, from when there is a
 * connection; such a request can be given to another replica only until then.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import {
  hasOption,
  parseHeaders,
  type ResponseHead,
  rawHeaders,
} from "../../core/http/response-parser.ts"
import { type Holding, takenAtOnceBytes } from "../../core/http/unread.ts"
import { ambiguity } from "../../core/http/unreadable.ts"
import type { Attempt } from "./attempt.ts"
import { Errand, type NewestRequest, notHttp, type Surroundings } from "./errand.ts"
import { giveUpBody } from "./give-up-body.ts"
import { headersForClient, headersForReplica, optionsOf, trailersToPassOn } from "./headers.ts"
import { type Message, noBytes, requestHead } from "./message.ts"
import { answerProblem, type BalancerProblem } from "./problem.ts"
import { Upload } from "./upload.ts"

/**
 * What is read in one piece: a socket's read takes 64 KiB, and so does a packet on the loopback
 * interface. This leaves room for the head.
 */
const pieceBytesMax = 32_768

/** Interim answers that are passed on; there may be any number of them, and few are of use. */
const interimsMax = 32

/** What has come of an answer before its head is passed on. */
interface Answer {
  readonly head: ResponseHead
  readonly pieces: Buffer[]
}

export class Forward extends Errand implements NewestRequest {
  readonly #response: ServerResponse
  /** The whole body, empty when there is none; undefined while it has yet to come. */
  #body: Buffer | undefined
  /** Of a body that flows, once it does. */
  #upload: Upload | undefined
  #hasContinued = false
  #interims = 0
  /** Until its head is passed on. */
  #answer: Answer | undefined
  /** What its head says of the connection. */
  #options: string | undefined
  /** The replica does not want the rest of the body. */
  #isUnwanted = false
  /** What the client has not taken, while it is waited for. */
  #untaken: Holding | undefined

  constructor(surroundings: Surroundings, request: IncomingMessage, response: ServerResponse) {
    super(surroundings, request)
    this.#response = response
  }

  start(): void {
    const { request, surroundings } = this
    surroundings.newest.set(request.socket, this)
    this.#response.on("close", () => {
      if (this.#response.writableFinished) this.isOver = true
      else this.cutOff()
    })
    const ambiguous = ambiguity(request)
    if (ambiguous !== undefined) {
      const problem = { ...ambiguous, requestId: this.requestId.id }
      answerProblem(request, this.#response, problem, true, surroundings.options.corsOrigins)
      return
    }
    const { "content-length": length, "transfer-encoding": coding, expect } = request.headers
    if (coding === undefined && (length === undefined || length === "0")) {
      this.#body = noBytes
      this.place()
    } else if (expect !== undefined) {
      this.place()
    } else {
      // By then the parser has read on, and a body of known length is here if it came with the head.
      process.nextTick(() => {
        this.#takeWholeBody()
        this.place()
      })
    }
  }

  get hasBegunToAnswer(): boolean {
    return this.#response.headersSent
  }

  get isAnswered(): boolean {
    return this.#response.writableFinished
  }

  get isReceiving(): boolean {
    return !this.request.complete
  }

  override connected(): void {
    const { attempt } = this
    if (this.#body !== undefined || this.isOver || attempt === undefined) return
    this.#upload = new Upload(this.request, attempt)
  }

  override interim({ status, lines }: ResponseHead): void {
    const { httpVersionMinor, headers } = this.request
    if (status === 100) this.#hasContinued = true
    else this.#interims += 1
    if (status !== 100 && this.#interims > interimsMax) return
    if (this.isOver || this.hasBegunToAnswer || httpVersionMinor === 0) return
    const response = this.#response
    if (status === 100 && headers.expect !== undefined) this.#inTurn(() => response.writeContinue())
    // Of no use any more by the time that another answer is through.
    else if (response.socket === null) return
    else if (status === 102) response.writeProcessing()
    else if (status === 103) this.#hint(lines)
  }

  answered(head: ResponseHead): void {
    this.#answer = { head, pieces: [] }
    this.#options = optionsOf(head.connection)
  }

  data(bytes: Buffer): void {
    if (this.#answer !== undefined) this.#answer.pieces.push(bytes)
    else if (!this.isOver) this.#write(bytes)
  }

  /** What has come in one read, head included, leaves in one write. */
  ended(trailers: string): void {
    const answer = this.#answer
    if (this.isOver) return
    if (answer !== undefined && !this.#writeHead(answer)) return
    const response = this.#response
    response.addTrailers(pairs(trailersToPassOn(rawHeaders(trailers), this.#options)))
    const last = answer === undefined ? noBytes : joined(answer.pieces)
    if (last.length === 0) response.end()
    // Text is joined to the head, which makes one buffer instead of two; each byte is one of latin1.
    else if (last.length <= joinedBytesMax) response.end(last.toString("latin1"), "latin1")
    else response.end(last)
    if (answer === undefined || last.length > takenAtOnceBytes) {
      this.#untaken?.lift()
      this.#untaken = this.#hold()
    }
    if (this.#isUnwanted) this.attempt?.leave()
  }

  /** What is not over by now may trickle: it goes on as it comes, beginning with the head. */
  override settled(): void {
    const answer = this.#answer
    if (answer === undefined || this.isOver || !this.#writeHead(answer)) return
    if (answer.pieces.length === 0) this.#response.flushHeaders()
    for (const piece of answer.pieces) this.#write(piece)
  }

  override drained(): void {
    this.#upload?.drained()
  }

  broken(attempt: Attempt): void {
    if (this.isOver) return
    if (this.#answer !== undefined) {
      const because = "Its answer stopped being one within its first bytes."
      this.answerLost(attempt, because, notHttp(attempt.upstream))
      return
    }
    this.lost(attempt, "It broke off in the middle of an answer.")
    // All that is left to say to a client that has the head: that this is not the end.
    this.#response.destroy()
  }

  /** A replica that has answered may take no more. Then nobody does, but it has to be read. */
  override over(): void {
    if (this.#upload !== undefined && !this.request.complete) this.#giveUpBody()
    this.#upload?.stop()
  }

  protected get isInOnePiece(): boolean {
    return this.#body !== undefined
  }

  protected message(): Message {
    const { method = "GET", url = "/", headers } = this.request
    const waitedMs = performance.now() - this.arrivedAtMs
    const sent = headersForReplica(this.request, this.requestId, waitedMs)
    const isChunked = headers["transfer-encoding"] !== undefined
    // A server would have to guess whether it was forgotten.
    if (!isChunked && headers["content-length"] === undefined && !bodiless.has(method)) {
      sent.push("content-length", "0")
    }
    const head = requestHead(method, url, sent)
    return { method, head, body: this.#body ?? "flows", isChunked, mayUpgrade: false }
  }

  protected answer(problem: BalancerProblem): void {
    if (this.isOver || this.hasBegunToAnswer) return
    const { corsOrigins } = this.surroundings.options
    answerProblem(this.request, this.#response, problem, this.#isLast(), corsOrigins)
  }

  #takeWholeBody(): void {
    const { request } = this
    const { readableLength: length, complete, headers, rawTrailers } = request
    const isWhole = complete
      ? rawTrailers.length === 0
      : length > 0 && length === Number(headers["content-length"])
    if (!isWhole || length > pieceBytesMax) return
    const pieces: Buffer[] = []
    // Each time one of the pieces that it has come in.
    for (let piece = request.read(); piece !== null; piece = request.read()) pieces.push(piece)
    this.#body = joined(pieces)
  }

  /** Not into the middle of another answer on the same connection. */
  #inTurn(say: () => void): void {
    if (this.#response.socket !== null) say()
    else {
      this.#response.once("socket", () => {
        if (!this.hasBegunToAnswer) say()
      })
    }
  }

  /** @returns whether the connection has to end for it. */
  #giveUpBody(): boolean {
    this.#upload?.stop()
    return giveUpBody(this.request)
  }

  #hint(lines: string): void {
    try {
      this.#response.writeEarlyHints(parseHeaders(lines))
    } catch {
      // Links that node:http would not write itself. A hint may be left out.
    }
  }

  /** @returns whether the answer goes on. */
  #writeHead({ head }: Answer): boolean {
    const { request, attempt } = this
    this.#answer = undefined
    const mayTrail = request.method !== "HEAD" && request.httpVersionMinor > 0
    const headers = headersForClient(head, mayTrail)
    this.#isUnwanted = !request.complete && this.#isBodyUnwanted(head)
    if ((this.#isUnwanted && this.#giveUpBody()) || this.#isLast()) {
      headers.push("connection", "close")
    }
    try {
      this.#response.writeHead(head.status, head.statusText, headers)
      return true
    } catch {
      if (attempt === undefined) return false
      this.answerLost(attempt, "Its answer's head is malformed.", notHttp(attempt.upstream))
      attempt.leave()
      return false
    }
  }

  /**
   * Whether an answer that came before the body's end says that the rest is not wanted: the replica
   * hangs up, or has never said 100 Continue to a client that waits for it.
   */
  #isBodyUnwanted({ connection }: ResponseHead): boolean {
    if (this.#body !== undefined) return false
    const waits = this.request.headers.expect !== undefined && !this.#hasContinued
    return waits || hasOption(connection, "close")
  }

  /** No faster than the client takes it. */
  #write(bytes: Buffer): void {
    const response = this.#response
    if (response.write(bytes)) return
    if (this.#untaken !== undefined) {
      this.#untaken.grow(bytes.length)
      return
    }
    this.attempt?.pause()
    response.once("drain", () => {
      this.#untaken?.lift()
      this.#untaken = undefined
      this.attempt?.resume()
    })
    this.#untaken = this.#hold()
  }

  /**
   * Whether the connection ends with this answer. A client that has sent more requests already
   * (pipelining) is told by the answer to the newest: what is behind a goodbye would be lost.
   */
  #isLast(): boolean {
    const { request } = this
    const { isClosing, newest, pipelines } = this.surroundings
    return isClosing() && newest.get(request.socket) === this && !pipelines.hasMoreBehind(request)
  }

  #hold(): Holding {
    const response = this.#response
    return this.surroundings.unread.hold(response, response.writableLength)
  }
}

/** Methods whose requests have no body unless they say so. */
const bodiless: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"])

/** Beyond that, copying takes longer than writing two. */
const joinedBytesMax = 4096

function joined(pieces: readonly Buffer[]): Buffer {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i]!, raw[2 * i + 1]!])
}
