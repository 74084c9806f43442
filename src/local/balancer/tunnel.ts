/**
 * A connection that asks to become something else, a WebSocket: once a replica has agreed, bytes are
 * passed on both ways, as fast as they are taken, until one side has had enough. If the replica does
 * not agree, its answer is passed on and the connection ends with it.
 */
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import { corsHeaders } from "../../core/http/cors.ts"
import { lingerWhenClosed } from "../../core/http/linger.ts"
import { parseHeaders, type ResponseHead } from "../../core/http/response-parser.ts"
import { Errand, type Surroundings } from "./errand.ts"
import { headersForClient, headersForReplica } from "./headers.ts"
import { type Message, noBytes, requestHead, responseHead } from "./message.ts"
import { type BalancerProblem, writeProblem } from "./problem.ts"

export class Tunnel extends Errand {
  readonly #socket: Socket
  /** What the client has sent already, as it takes for granted that the replica agrees. */
  readonly #head: Buffer
  #hasBegunToAnswer = false
  #isOpen = false
  #isHeldUp = false

  constructor(surroundings: Surroundings, request: IncomingMessage, socket: Socket, head: Buffer) {
    super(surroundings, request)
    this.#socket = socket
    this.#head = head
  }

  start(): void {
    const { headers } = this.request
    this.#socket.on("error", () => this.#socket.destroy())
    this.#socket.once("close", () => this.cutOff())
    // node:http has let go of the connection, so nobody would find the body's end.
    if (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0) {
      const detail = "A request that asks for an upgrade can't have a body."
      this.answer({ status: 400, detail, requestId: this.requestId.id })
    } else {
      this.place()
    }
  }

  protected get hasBegunToAnswer(): boolean {
    return this.#hasBegunToAnswer
  }

  protected get isInOnePiece(): boolean {
    return true
  }

  protected message(): Message {
    const { method = "GET", url = "/", headers } = this.request
    const waitedMs = performance.now() - this.arrivedAtMs
    const sent = headersForReplica(this.request, this.requestId, waitedMs)
    sent.push("connection", "upgrade", "upgrade", headers.upgrade ?? "")
    const head = requestHead(method, url, sent)
    return { method, head, body: noBytes, isChunked: false, mayUpgrade: true }
  }

  answered(head: ResponseHead): void {
    if (this.isOver) return
    this.#hasBegunToAnswer = true
    if (head.status === 101) this.#open(head)
    else this.#passOn(head)
  }

  /** Behind an agreement it is what the replica says first. */
  data(bytes: Buffer): void {
    if (this.#socket.write(bytes) || this.#isOpen || this.#isHeldUp) return
    this.#isHeldUp = true
    this.attempt?.pause()
    this.#socket.once("drain", () => {
      this.#isHeldUp = false
      this.attempt?.resume()
    })
  }

  ended(): void {
    this.#socket.end(() => this.#socket.destroySoon())
  }

  broken(): void {
    this.#socket.destroy()
  }

  protected answer(problem: BalancerProblem): void {
    if (this.isOver || this.#hasBegunToAnswer || !this.#socket.writable) return
    this.#hasBegunToAnswer = true
    const { corsOrigins } = this.surroundings.options
    writeProblem(this.#socket, problem, corsHeaders(corsOrigins, this.request.headers))
    this.#socket.resume()
  }

  #open(head: ResponseHead): void {
    const client = this.#socket
    const replica = this.attempt?.takeOver()
    if (replica === undefined) return
    this.#isOpen = true
    // Both are quiet for as long as they like.
    replica.setTimeout(0)
    client.setTimeout(0)
    client.once("close", () => replica.destroy())
    // One side has had enough, and that ends it for both: the other may be gone without a word.
    replica.once("end", () => replica.end())
    replica.once("close", () => {
      // What it said at last still has to get there.
      client.setTimeout(this.surroundings.options.stallTimeoutMs, () => client.destroy())
      client.destroySoon()
    })
    this.#writeHead(head, "upgrade")
    if (this.#head.length > 0) replica.write(this.#head)
    client.pipe(replica)
    replica.pipe(client)
  }

  #passOn(head: ResponseHead): void {
    const client = this.#socket
    this.#writeHead(head, "close")
    // node:http has let go of the connection: nobody else would see it to its end.
    client.setTimeout(this.surroundings.options.stallTimeoutMs, () => client.destroy())
    lingerWhenClosed(client)
    client.resume()
  }

  #writeHead(head: ResponseHead, connection: "upgrade" | "close"): void {
    const headers = [...headersForClient(head, false), "connection", connection]
    if (connection === "upgrade")
      headers.push("upgrade", String(parseHeaders(head.lines).upgrade ?? ""))
    this.#socket.write(responseHead(head.status, head.statusText, headers), "latin1")
  }
}
