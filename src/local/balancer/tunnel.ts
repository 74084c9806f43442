/**
 * A connection that asks to become something else, a WebSocket: once a replica has agreed, bytes are
 * passed on both ways, as fast as they are taken, until one side has had enough. If the replica does
 * not agree, its answer is passed on and the connection ends with it.
 */
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import { lingerWhenClosed } from "../../core/http/linger.ts"
import { Attempt } from "./attempt.ts"
import { Errand, type Surroundings } from "./errand.ts"
import { headersForClient, headersForReplica } from "./headers.ts"
import { type BalancerProblem, headOf, writeProblem } from "./problem.ts"
import type { Upstream } from "./upstream.ts"

export class Tunnel extends Errand {
  readonly #socket: Socket
  /** What the client has sent already, as it takes for granted that the replica agrees. */
  readonly #head: Buffer
  #hasBegunToAnswer = false

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

  protected begin(upstream: Upstream): Attempt {
    const { method = "GET", url = "/", headers } = this.request
    const waitedMs = performance.now() - this.arrivedAtMs
    const sent = headersForReplica(this.request, this.requestId, waitedMs)
    sent.push("connection", "upgrade", "upgrade", headers.upgrade ?? "")
    return new Attempt(this.surroundings.upstreams, upstream, { method, path: url, headers: sent })
  }

  protected send(attempt: Attempt): void {
    attempt.sent.on("upgrade", (answer: IncomingMessage, socket: Socket, head: Buffer) => {
      attempt.worked(answer)
      attempt.hold(socket)
      this.#open(answer, socket, head)
    })
    attempt.sent.on("response", (answer: IncomingMessage) => {
      attempt.worked(answer)
      this.#passOn(answer)
    })
    attempt.sent.end()
  }

  protected answer(problem: BalancerProblem): void {
    if (this.isOver || this.#hasBegunToAnswer || !this.#socket.writable) return
    this.#hasBegunToAnswer = true
    writeProblem(this.#socket, problem)
    this.#socket.resume()
  }

  #open(answer: IncomingMessage, replica: Socket, head: Buffer): void {
    const client = this.#socket
    this.#hasBegunToAnswer = true
    const headers = headersForClient(answer)
    headers.push("connection", "upgrade", "upgrade", answer.headers.upgrade ?? "")
    // Both are quiet for as long as they like.
    replica.setTimeout(0)
    client.setTimeout(0)
    client.once("close", () => replica.destroy())
    replica.once("close", () => {
      // What it said at last still has to get there.
      client.setTimeout(this.surroundings.options.stallTimeoutMs, () => client.destroy())
      client.destroySoon()
    })
    client.write(headOf(101, answer.statusMessage ?? "", headers), "latin1")
    if (head.length > 0) client.write(head)
    if (this.#head.length > 0) replica.write(this.#head)
    client.pipe(replica)
    replica.pipe(client)
  }

  #passOn(answer: IncomingMessage): void {
    if (this.isOver) return
    const client = this.#socket
    this.#hasBegunToAnswer = true
    const headers = [...headersForClient(answer), "connection", "close"]
    client.write(headOf(answer.statusCode ?? 502, answer.statusMessage ?? "", headers), "latin1")
    answer.once("close", () => {
      if (!answer.complete) client.destroy()
    })
    // node:http has let go of the connection: nobody else would see it to its end.
    client.setTimeout(this.surroundings.options.stallTimeoutMs, () => client.destroy())
    lingerWhenClosed(client)
    client.resume()
    answer.pipe(client, { end: false })
    answer.once("end", () => client.end(() => client.destroySoon()))
  }
}
