/**
 * What a request and a connection that becomes something else have in common: they look for a replica
 * until one has taken them, or until it is known that there is none.
 *
 * An errand is *placed* (given to a replica, or waiting for one), *sent*, and *over*. From *sent* it
 * returns to *placed* when the replica never saw it. How it is sent, and how the client is answered,
 * is its own affair.
 */
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import { deadlineHeader, deadlineMs } from "../../core/http/deadline-header.ts"
import type { Pipelines } from "../../core/http/pipelines.ts"
import { type RequestId, requestIdOf } from "../../core/http/request-id.ts"
import { MalformedError, type ResponseHead } from "../../core/http/response-parser.ts"
import type { Unread } from "../../core/http/unread.ts"
import { type Asker, Attempt } from "./attempt.ts"
import { fateOf, wasClosedBefore } from "./fate.ts"
import type { Message } from "./message.ts"
import type { ResolvedOptions } from "./options.ts"
import type { BalancerProblem } from "./problem.ts"
import type { Upstream } from "./upstream.ts"
import type { Passenger, Upstreams } from "./upstreams.ts"

/** What every errand needs of the balancer. */
export interface Surroundings {
  readonly options: ResolvedOptions
  readonly upstreams: Upstreams
  /** By connection, the request whose turn came last. */
  readonly newest: WeakMap<Socket, NewestRequest>
  readonly pipelines: Pipelines
  readonly unread: Unread
  readonly isClosing: () => boolean
}

/** What one may do with a request whose connection is of no use any more. */
export interface NewestRequest {
  readonly request: IncomingMessage
  readonly requestId: RequestId
  readonly hasBegunToAnswer: boolean
  readonly isAnswered: boolean
  /** Whether some of it is still to come. */
  readonly isReceiving: boolean
  cutOff(): void
}

/** Bounds what chance can do to one request: each of these met another replica's end. */
const attemptsMax = 5

/** Nearly always there is a replica within a second. */
const retryAfterSeconds = 1

export abstract class Errand implements Passenger, Asker {
  readonly request: IncomingMessage
  readonly requestId: RequestId
  protected readonly surroundings: Surroundings
  protected readonly arrivedAtMs = performance.now()
  protected isOver = false
  /** The newest. */
  protected attempt: Attempt | undefined
  #attempts = 0

  constructor(surroundings: Surroundings, request: IncomingMessage) {
    this.surroundings = surroundings
    this.request = request
    this.requestId = requestIdOf(request.headers)
  }

  get patienceMs(): number {
    const { waitMs } = this.surroundings.options
    const allowedMs = Math.min(waitMs, deadlineMs(this.request.headers[deadlineHeader]) ?? waitMs)
    return allowedMs - (performance.now() - this.arrivedAtMs)
  }

  board(upstream: Upstream): void {
    this.#attempts += 1
    let message: Message
    try {
      message = this.message()
    } catch {
      this.answer({
        status: 400,
        detail: "This request can't be passed on: its address or a header is malformed.",
        requestId: this.requestId.id,
      })
      return
    }
    this.attempt = new Attempt(this.surroundings.upstreams, upstream, message, this)
  }

  refuse(because: string): void {
    if (this.isOver) return
    const requestId = this.requestId.id
    this.surroundings.options.logged({ kind: "refused", requestId, because })
    this.answer({
      status: 503,
      detail: `${because} Try again later.`,
      requestId,
      retryAfterSeconds,
    })
  }

  /** Nobody is there any more to take an answer, or somebody else has the last word. */
  cutOff(): void {
    this.isOver = true
    this.surroundings.upstreams.leave(this)
    this.attempt?.leave()
  }

  failed(attempt: Attempt, error: NodeJS.ErrnoException): void {
    // The balancer has answered in its place.
    if (this.isOver || this.hasBegunToAnswer) return
    attempt.gotNone(error.message)
    const decide = (isNotTaken: boolean): void => {
      if (isNotTaken) this.#retry(attempt, error)
      else this.answerLost(attempt, error.message, this.#whyLost(attempt, error))
    }
    const fate = fateOf(error, this.isInOnePiece && !attempt.hasHeard)
    if (fate === "unsure") wasClosedBefore(attempt.socket, decide)
    else decide(fate === "not-taken")
  }

  abstract answered(head: ResponseHead): void
  abstract data(bytes: Buffer): void
  abstract ended(trailers: string): void
  abstract broken(attempt: Attempt): void

  // For who wants to know.
  connected(): void {}
  interim(_head: ResponseHead): void {}
  settled(): void {}
  drained(): void {}
  over(): void {}

  /** @throws {TypeError} when it can't be passed on. */
  protected abstract message(): Message
  /** Does nothing when an answer has begun. */
  protected abstract answer(problem: BalancerProblem): void
  /** Whether what is sent leaves in one piece: see fate.ts. */
  protected abstract get isInOnePiece(): boolean
  protected abstract get hasBegunToAnswer(): boolean

  protected place(): void {
    if (!this.isOver) this.surroundings.upstreams.place(this)
  }

  /** Says that what ran on a replica has broken off. */
  protected lost({ upstream }: Attempt, because: string): void {
    const { method = "", url = "" } = this.request
    this.surroundings.options.logged({
      kind: "lost",
      backend: upstream.name,
      requestId: this.requestId.id,
      method,
      path: withoutQuery(url),
      because,
    })
  }

  protected answerLost(attempt: Attempt, because: string, detail: string): void {
    if (this.isOver) return
    this.lost(attempt, because)
    this.answer({ status: 502, detail, requestId: this.requestId.id })
  }

  #retry({ upstream }: Attempt, { message: because }: Error): void {
    if (this.isOver) return
    if (this.#attempts >= attemptsMax) {
      this.refuse(`No replica took the request in ${attemptsMax} tries.`)
      return
    }
    const requestId = this.requestId.id
    this.surroundings.options.logged({
      kind: "retried",
      backend: upstream.name,
      requestId,
      because,
    })
    this.place()
  }

  #whyLost({ upstream }: Attempt, error: Error): string {
    if (this.surroundings.isClosing()) {
      return "The service was stopped before the request had been answered."
    }
    if (error instanceof MalformedError) return notHttp(upstream)
    return `The replica that this request was sent to (${upstream.name}) ended before it had answered. Whether its work was done is not known.`
  }
}

export function notHttp({ name }: Upstream): string {
  return `The replica that was asked (${name}) gave an answer that is not HTTP.`
}

function withoutQuery(url: string): string {
  const at = url.indexOf("?")
  return at === -1 ? url : url.slice(0, at)
}
