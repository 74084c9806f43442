/**
 * One request and its way to a replica and back as an answer. Both ends of it meet in the response's
 * `close`.
 *
 * A small body that has come together with its head is sent together with it, in one piece; so is a
 * small answer. That is nearly every request, it takes one write each way, and makes it certain what
 * a replica has seen (`fate.ts`). Any other body flows, as fast as it is taken, from when there is a
 * connection; such a request can be given to another replica only until then.
 */
import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http"
import { breakWhenStalled } from "../../core/http/stall.ts"
import { Attempt } from "./attempt.ts"
import { Errand, type NewestRequest, notHttp, type Surroundings } from "./errand.ts"
import { giveUpBody } from "./give-up-body.ts"
import { headersForClient, headersForReplica } from "./headers.ts"
import { answerProblem, type BalancerProblem } from "./problem.ts"
import type { Upstream } from "./upstream.ts"

/**
 * What is read in one piece: a socket's read takes 64 KiB, and so does a packet on the loopback
 * interface. This leaves room for the head.
 */
const pieceBytesMax = 32_768

export class Forward extends Errand implements NewestRequest {
  readonly #response: ServerResponse
  /** The whole body, or that there is none; undefined while it has yet to come. */
  #body: Buffer | "none" | undefined
  #hasContinued = false

  constructor(surroundings: Surroundings, request: IncomingMessage, response: ServerResponse) {
    super(surroundings, request)
    this.#response = response
  }

  start(): void {
    const { request } = this
    this.surroundings.newest.set(request.socket, this)
    this.#response.once("close", () => {
      if (this.#response.writableFinished) this.isOver = true
      else this.cutOff()
    })
    const { "content-length": length, "transfer-encoding": coding, expect } = request.headers
    if (coding === undefined && (length === undefined || length === "0")) {
      this.#body = "none"
      this.place()
    } else if (expect !== undefined) {
      this.place()
    } else {
      // The parser has then read on, and the body is there if it came together with the head.
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

  protected get isInOnePiece(): boolean {
    return this.#body !== undefined
  }

  protected begin(upstream: Upstream): Attempt {
    const { method = "GET", url = "/", headers } = this.request
    const waitedMs = performance.now() - this.arrivedAtMs
    const sent = headersForReplica(this.request, this.requestId, waitedMs)
    const saysLength =
      headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined
    // Else node:http would say for some methods that the body comes in chunks.
    if (!saysLength && !bodiless.has(method)) sent.push("content-length", "0")
    return new Attempt(this.surroundings.upstreams, upstream, { method, path: url, headers: sent })
  }

  protected send(attempt: Attempt): void {
    const { sent } = attempt
    sent.on("response", (answer: IncomingMessage) => {
      attempt.worked(answer)
      // Likewise.
      process.nextTick(() => this.#passOn(attempt, answer))
    })
    if (this.request.httpVersionMinor > 0) sent.on("information", (head) => this.#inform(head))
    if (this.#body === "none") sent.end()
    else if (this.#body !== undefined) sent.end(this.#body)
    else this.#sendBodyOnceConnected(sent)
  }

  protected answer(problem: BalancerProblem): void {
    if (this.isOver || this.hasBegunToAnswer) return
    answerProblem(this.request, this.#response, problem, this.#isLast())
  }

  #takeWholeBody(): void {
    const { request } = this
    if (request.readableLength <= pieceBytesMax && isWhole(request)) {
      this.#body = request.read() ?? "none"
    }
  }

  #sendBodyOnceConnected(sent: ClientRequest): void {
    sent.on("continue", () => {
      this.#hasContinued = true
      if (this.request.headers.expect !== undefined) this.#response.writeContinue()
    })
    sent.once("socket", (socket) => {
      if (socket.connecting) socket.once("connect", () => this.#sendBody(sent))
      else this.#sendBody(sent)
    })
  }

  #sendBody(sent: ClientRequest): void {
    const { request } = this
    if (this.isOver) return
    sent.flushHeaders()
    request.pipe(sent, { end: false })
    request.once("end", () => {
      if (request.rawTrailers.length > 0) sent.addTrailers(pairs(request.rawTrailers))
      sent.end()
    })
    // A replica that has answered may take no more. Then nobody does, but it has to be read.
    sent.once("close", () => {
      if (!request.complete) giveUpBody(request)
    })
    // And a client that has its answer may send no more.
    request.once("close", () => {
      if (!request.complete) sent.destroy()
    })
  }

  #inform({ statusCode, headers }: { statusCode: number; headers: object }): void {
    if (this.isOver || this.hasBegunToAnswer) return
    if (statusCode === 102) this.#response.writeProcessing()
    if (statusCode !== 103) return
    try {
      this.#response.writeEarlyHints(headers as Record<string, string>)
    } catch {
      // Links that node:http would not write itself. A hint may be left out.
    }
  }

  #passOn(attempt: Attempt, answer: IncomingMessage): void {
    if (this.isOver) return
    const { request } = this
    const response = this.#response
    const headers = headersForClient(answer)
    const isUnwanted = !request.complete && this.#isBodyUnwanted(answer)
    if (isUnwanted) answer.once("end", () => attempt.sent.destroy())
    if ((isUnwanted && giveUpBody(request)) || this.#isLast()) headers.push("connection", "close")
    try {
      response.writeHead(answer.statusCode ?? 0, answer.statusMessage, headers)
    } catch {
      this.answerLost(attempt, "Its answer's head is malformed.", notHttp(attempt.upstream))
      attempt.sent.destroy()
      return
    }
    if (isWhole(answer)) {
      const body: Buffer | null = answer.read()
      response.end(body)
      if (body !== null && body.length > stallBytesMin) this.#limitStall()
      // To its end, where node:http takes the connection back.
      answer.resume()
    } else {
      this.#stream(attempt, answer)
    }
  }

  /**
   * Whether an answer that came before the body's end says that the rest is not wanted: the replica
   * hangs up, or has never said 100 Continue to a client that waits for it.
   */
  #isBodyUnwanted({ headers }: IncomingMessage): boolean {
    if (this.#body !== undefined) return false
    const waits = this.request.headers.expect !== undefined && !this.#hasContinued
    return waits || /\bclose\b/i.test(headers.connection ?? "")
  }

  #stream(attempt: Attempt, answer: IncomingMessage): void {
    const response = this.#response
    // Events that trickle have to arrive as they are sent, beginning with the head.
    if (answer.readableLength === 0) response.flushHeaders()
    let lift: (() => void) | undefined
    answer.on("data", (chunk: Buffer) => {
      if (response.write(chunk)) return
      answer.pause()
      lift ??= this.#limitStall()
    })
    response.on("drain", () => {
      lift?.()
      lift = undefined
      answer.resume()
    })
    answer.once("end", () => {
      if (answer.rawTrailers.length > 0) response.addTrailers(pairs(answer.rawTrailers))
      response.end()
      this.#limitStall()
    })
    answer.once("close", () => {
      if (answer.complete || this.isOver) return
      this.lost(attempt, "It broke off in the middle of an answer.")
      // All that is left to say to a client that has the head: that this is not the end.
      response.destroy()
    })
  }

  /**
   * Whether the connection ends with this answer. A client that has sent more requests already
   * (pipelining) is told by the answer to the newest: what is behind a goodbye would be lost.
   */
  #isLast(): boolean {
    const { isClosing, newest } = this.surroundings
    return isClosing() && newest.get(this.request.socket) === this
  }

  #limitStall(): () => void {
    return breakWhenStalled(this.#response, this.surroundings.options.stallTimeoutMs)
  }
}

/** Methods for which node:http expects no body unless it is told of one. */
const bodiless: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"])

/** What the operating system takes at once, whether or not the client reads. */
const stallBytesMin = 16_384

/** Whether all of a message is here, unread. */
function isWhole({ complete, headers, readableLength, rawTrailers }: IncomingMessage): boolean {
  return complete
    ? rawTrailers.length === 0
    : readableLength > 0 && readableLength === Number(headers["content-length"])
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i]!, raw[2 * i + 1]!])
}
