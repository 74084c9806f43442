/**
 * One request and its answer, from the arrival of the headers until the response has been sent or
 * the client has left. Both ends of it meet in one event, the response's `close`: there the bytes
 * that were held for the body are given back, the work for a client that left is cancelled, and the
 * request is recorded. Fastify's `request.signal` would not do: it fires when a POST's body has
 * been read.
 *
 * An exchange is *arriving* (headers only), *receiving* (its body), *running* (it has a ticket),
 * *answering* (`outcome` is set) and *closed*, in this order; all but the first and last can be
 * skipped.
 */
import type { FastifyReply, FastifyRequest } from "fastify"
import type pino from "pino"
import { forwardedAddress, peerOf } from "../../core/http/peer.ts"
import type { Pipelines } from "../../core/http/pipelines.ts"
import type { Unread } from "../../core/http/unread.ts"
import type { Operation } from "../operation.ts"
import type { Compute, ShedReason } from "../outcome.ts"
import type { ResolvedSettings } from "../settings.ts"
import type { Connection, Connections } from "./connection.ts"
import type { Receiving } from "./receiving.ts"
import type { RequestOutcome, RequestRecord } from "./record.ts"
import type { RefusalPace } from "./refusal-pace.ts"
import { tryIdOf } from "./request-id.ts"

/** What every exchange needs of the server. */
export interface Surroundings {
  readonly settings: ResolvedSettings
  readonly compute: Compute
  readonly log: pino.Logger
  readonly isDraining: () => boolean
  readonly observe: (record: RequestRecord) => void
  /** On the clock of `performance.now()`. */
  readonly now: () => number
  readonly connections: Connections
  readonly pipelines: Pipelines
  readonly refusalPace: RefusalPace
  readonly receiving: Receiving
  readonly unread: Unread
}

declare module "fastify" {
  interface FastifyRequest {
    /** Set by the first hook of every request. */
    exchange: Exchange
  }
}

export class Exchange {
  readonly surroundings: Surroundings
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly requestId: string
  /** See `Call.tryId`. */
  readonly tryId: string
  readonly method: string
  /** Without the query, which may hold secrets. */
  readonly path: string
  readonly arrivedAtMs: number
  readonly connection: Connection
  /** What the client declared, 0 when it did not or there is no body. */
  readonly declaredBytes: number
  /** Whether there is a body at all. */
  readonly hasBody: boolean

  /** When the answer stops being useful, on the same clock. */
  deadlineAtMs = Number.POSITIVE_INFINITY
  /** When the last of its body came, on the same clock, as far as it has. */
  receivedAtMs: number
  operationName: string | undefined = undefined
  /** The operation's name when it had to pass admission, so when its body has to as well. */
  admittedAs: string | undefined = undefined
  outcome: RequestOutcome | undefined = undefined
  shedReason: ShedReason | undefined = undefined
  closed = false

  #onDisconnect: Operation["onDisconnect"] = "cancel"
  #cancel: (() => void) | undefined = undefined
  #running = false
  #heldBytes = 0
  #status: number | undefined = undefined

  constructor(surroundings: Surroundings, request: FastifyRequest, reply: FastifyReply) {
    const { raw } = request
    this.surroundings = surroundings
    this.request = request
    this.reply = reply
    this.requestId = request.id
    this.tryId = tryIdOf(raw.headers, request.id)
    this.method = raw.method as string
    this.path = withoutQuery(request.originalUrl)
    this.arrivedAtMs = surroundings.now()
    this.receivedAtMs = this.arrivedAtMs
    this.connection = surroundings.connections.arrived(raw.socket, this, this.arrivedAtMs)
    const length = raw.headers["content-length"]
    this.declaredBytes = length === undefined ? 0 : Number(length)
    this.hasBody = this.declaredBytes > 0 || raw.headers["transfer-encoding"] !== undefined
    reply.raw.on("close", () => this.#close())
  }

  /** Whether some of the body is still to come. */
  get isReceiving(): boolean {
    return this.hasBody && !this.request.raw.complete
  }

  /** Who sent it; see core/http/peer.ts. */
  get peer(): string {
    const { trustedProxies } = this.surroundings.settings
    if (trustedProxies === 0) return this.connection.peer
    const forwarded = this.request.raw.headers["x-forwarded-for"] as string | undefined
    const address = forwardedAddress(forwarded, trustedProxies)
    return address === undefined ? this.connection.peer : peerOf(address)
  }

  /** Reserves bytes of the body, until the request's end or {@link releaseBytes}. */
  holdBytes(bytes: number): void {
    this.#heldBytes += bytes
    this.surroundings.compute.bytesHeld.add(bytes)
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** The work has begun; `cancel` is called when the client leaves, unless it is to be finished. */
  runs(operation: Operation, cancel: () => void): void {
    this.#running = true
    this.#onDisconnect = operation.onDisconnect
    this.#cancel = cancel
  }

  /** The work is over, so its input is no longer in memory, whether or not the client is there. */
  ran(): void {
    this.#running = false
    this.#cancel = undefined
    this.releaseBytes()
  }

  releaseBytes(): void {
    if (this.#heldBytes === 0) return
    this.surroundings.compute.bytesHeld.remove(this.#heldBytes)
    this.#heldBytes = 0
  }

  /** The connection is broken off by us, and why: it is recorded so, not as a client that left. */
  cutOff(outcome: RequestOutcome, status = this.reply.raw.statusCode): void {
    this.outcome = outcome
    this.#status = status
    this.#close()
  }

  #close(): void {
    if (this.closed) return
    this.closed = true
    this.surroundings.receiving.delete(this)
    const { raw } = this.reply
    const unfinished = !raw.writableFinished
    if (unfinished && this.#onDisconnect === "cancel") this.#cancel?.()
    if (!this.#running) this.releaseBytes()
    if (this.connection.current === this) this.connection.current = undefined
    this.#record(unfinished && this.#status === undefined)
  }

  #record(left: boolean): void {
    const { observe, log, now } = this.surroundings
    const status = left ? 499 : (this.#status ?? this.reply.raw.statusCode)
    // What a library answered has no outcome but its status.
    const outcome = this.outcome ?? (status >= 400 ? "bad-request" : "ok")
    const record: RequestRecord = {
      requestId: this.requestId,
      method: this.method,
      path: this.path,
      operation: this.operationName,
      status,
      outcome: left ? "cancelled" : outcome,
      durationMs: now() - this.arrivedAtMs,
      shedReason: this.shedReason,
    }
    observe(record)
    logRequest(log, record)
  }
}

/** One line a request. A bug is an error, what the client had better try again is a warning. */
export function logRequest(log: pino.Logger, record: RequestRecord): void {
  const { status } = record
  const level = status === 503 || status === 504 ? "warn" : status >= 500 ? "error" : "info"
  if (!log.isLevelEnabled(level)) return
  const durationMs = Math.round(record.durationMs * 1000) / 1000
  log[level]({ ...record, durationMs }, `${record.method} ${record.path} ${status}`)
}

function withoutQuery(url: string): string {
  const at = url.indexOf("?")
  return at === -1 ? url : url.slice(0, at)
}
