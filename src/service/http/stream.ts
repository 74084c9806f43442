/**
 * The answer of a streaming operation: its items as they are made, as NDJSON or as server-sent
 * events.
 *
 * The head is sent with the first item, so that what fails before it has a status of its own. What
 * fails after it can only be told in the body: as an `error` event, or in NDJSON, which has no such
 * thing, by breaking the connection, so that nobody takes half of the items for all of them.
 *
 * A client that reads slowly is not read for: no more items are asked of the worker while the socket
 * has not taken those that were sent.
 */
import { type Outcome, streamWindow, type Ticket } from "../outcome.ts"
import { Problem, type ProblemDetails } from "../problem.ts"
import type { Exchange } from "./exchange.ts"
import { failureOf, type StreamFailure } from "./refusals.ts"
import { limitStall, logBug, send, sendHead } from "./send.ts"

export const streamMediaTypes = ["application/x-ndjson", "text/event-stream"] as const
type StreamMediaType = (typeof streamMediaTypes)[number]

/** A buffering proxy would make a stream pointless; nginx is told so by a header. */
const streamHeaders = { "x-accel-buffering": "no" }

/** Whether a call that had begun has failed, which those that were refused had not. */
export function isFailure(outcome: Outcome): outcome is StreamFailure {
  const { kind } = outcome
  return kind !== "done" && kind !== "cancelled" && kind !== "shed" && kind !== "too-costly"
}

export class ItemStream {
  readonly #exchange: Exchange
  readonly #mediaType: StreamMediaType
  #ticket: Ticket | undefined
  #begun = false
  /** Items sent that the worker has not been told of. */
  #taken = 0
  #waits = false

  constructor(exchange: Exchange, mediaType: StreamMediaType) {
    this.#exchange = exchange
    this.#mediaType = mediaType
  }

  /** For {@link Call.onItem}. */
  readonly push = (json: string): void => {
    const { raw } = this.#exchange.reply
    this.#taken += 1
    // Else nobody is there any more, and the work is to be finished all the same; or the answer is
    // over (the deadline), and the worker has not heard of it yet.
    if (!raw.destroyed && !raw.writableEnded && !this.#exchange.closed) {
      this.#begin()
      const isSse = this.#mediaType === "text/event-stream"
      const flows = raw.write(isSse ? `data: ${json}\n\n` : `${json}\n`)
      if (!flows) this.#waitForClient()
    }
    this.#pull()
  }

  pullsFrom(ticket: Ticket): void {
    this.#ticket = ticket
    this.#pull()
  }

  /** Whether a failure has to be told within the stream. */
  get hasBegun(): boolean {
    return this.#begun
  }

  /** All items have been sent. */
  end(): void {
    this.#exchange.outcome = "ok"
    if (this.#begun) this.#exchange.reply.raw.end()
    else send(this.#exchange, 200, "ok", this.#headers(), "")
  }

  fail(outcome: StreamFailure): void {
    const exchange = this.#exchange
    const { raw } = exchange.reply
    if ("fault" in outcome) logBug(exchange, outcome.fault)
    exchange.outcome = outcome.kind
    if (this.#mediaType === "text/event-stream") raw.end(this.#errorEvent(outcome))
    else {
      exchange.cutOff(outcome.kind)
      raw.destroy()
    }
  }

  /** What can't be written as JSON (a problem may come with anything) is a bug; the stream ends. */
  #errorEvent(outcome: StreamFailure): string {
    const exchange = this.#exchange
    const { requestId } = exchange
    try {
      return errorEvent(failureOf(outcome, requestId))
    } catch (thrown) {
      logBug(exchange, thrown)
      exchange.outcome = "error"
      return errorEvent({ status: 500, requestId })
    }
  }

  #begin(): void {
    if (this.#begun) return
    this.#begun = true
    sendHead(this.#exchange, 200, this.#headers())
  }

  #headers(): Record<string, string> {
    return { ...streamHeaders, "content-type": this.#mediaType, vary: "accept" }
  }

  /** Until the socket has taken what was written, which it must not put off for ever, or is gone. */
  #waitForClient(): void {
    if (this.#waits) return
    this.#waits = true
    const { raw } = this.#exchange.reply
    const lift = limitStall(this.#exchange)
    const proceed = (): void => {
      raw.off("drain", proceed)
      raw.off("close", proceed)
      lift()
      this.#waits = false
      this.#pull()
    }
    raw.on("drain", proceed)
    raw.on("close", proceed)
  }

  /** By halves of the window: a message to the worker for each item would cost more than the item. */
  #pull(): void {
    if (this.#waits || this.#ticket === undefined) return
    if (this.#taken < streamWindow / 2) return
    this.#ticket.pull(this.#taken)
    this.#taken = 0
  }
}

function errorEvent(details: ProblemDetails): string {
  return `event: error\ndata: ${JSON.stringify(new Problem(details))}\n\n`
}
