/**
 * The answer of a streaming operation: its items as they are made, as NDJSON or as server-sent
 * events.
 *
 * The head is sent with the first item, so that what fails before it has a status of its own. What
 * fails after it can only be told in the body: as an `error` event, or in NDJSON, which has no such
 * thing, by breaking the connection, so that nobody takes half of the items for all of them.
 *
 * An `EventSource` asks again by itself when a stream is over, and would start the run again. So each
 * event has an id, the last one has {@link endId}, and who asks again behind that is answered 204,
 * which ends it. While there is nothing to send a comment is, because who is in between closes what is
 * silent; the head goes with the first of these too.
 *
 * A client that reads slowly is not read for: no more items are asked of the worker while the socket
 * has not taken those that were sent.
 */
import type { IncomingHttpHeaders } from "node:http"
import type { Holding } from "../../core/http/unread.ts"
import { headerNames } from "../input/reader.ts"
import type { Operation } from "../operation.ts"
import { type JsonText, type Outcome, streamWindow, type Ticket } from "../outcome.ts"
import type { Exchange } from "./exchange.ts"
import type { RequestOutcome } from "./record.ts"
import { failureOf, type StreamFailure } from "./refusals.ts"
import { logBug, send, sendHead } from "./send.ts"

export const streamMediaTypes = ["application/x-ndjson", "text/event-stream"] as const
type StreamMediaType = (typeof streamMediaTypes)[number]

/** Names, in the way of server-sent events, what a client got last. */
const lastIdHeader = "last-event-id"
/** What was got last when nothing is behind it, be it for the end or for a failure. */
const endId = "end"

/** Whether a client asks again for events that it has got all of. */
export function isOver(mediaType: string | undefined, headers: IncomingHttpHeaders): boolean {
  return mediaType === "text/event-stream" && headers[lastIdHeader] === endId
}

/**
 * What tells the number of a stream's first event: the one behind that which the client got last, where
 * the operation reads the header that says so and continues there; else 1, since it begins anew.
 */
export function streamNumbering(
  name: string,
  operation: Operation,
): (sent: IncomingHttpHeaders) => number {
  const continues = operation.streams && headerNames(operation, name).includes(lastIdHeader)
  if (!continues) return () => 1
  return ({ [lastIdHeader]: last }) => (/^\d{1,15}$/.test(`${last}`) ? Number(last) + 1 : 1)
}

/** A buffering proxy would make a stream pointless; nginx is told so by a header. */
const streamHeaders = { "x-accel-buffering": "no" }

/** Whether a call that waited or had begun has failed. */
export function isFailure(outcome: Outcome): outcome is StreamFailure {
  return outcome.kind !== "done" && outcome.kind !== "cancelled"
}

/** What becomes of a request whose call failed so. */
function recorded({ kind }: StreamFailure): RequestOutcome {
  return kind === "invalid" || kind === "too-costly" ? "bad-request" : kind
}

export class ItemStream {
  readonly #exchange: Exchange
  readonly #mediaType: StreamMediaType
  #ticket: Ticket | undefined
  #begun = false
  #number: number
  /** Nothing has been written since the last beat. */
  #quiet = false
  readonly #heart: NodeJS.Timeout | undefined
  /** Items sent that the worker has not been told of. */
  #taken = 0
  /** What the client has not taken, while it is waited for. */
  #untaken: Holding | undefined

  /** @param firstNumber of an event. */
  constructor(exchange: Exchange, mediaType: StreamMediaType, firstNumber: number) {
    this.#exchange = exchange
    this.#mediaType = mediaType
    this.#number = firstNumber
    const { streamHeartbeatMs } = exchange.surroundings.settings
    if (!this.#isSse || streamHeartbeatMs === 0) return
    // Looked at twice in that time, so that no silence is longer.
    this.#heart = setInterval(() => this.#beat(), streamHeartbeatMs / 2)
    exchange.reply.raw.on("close", () => clearInterval(this.#heart))
  }

  /** For {@link Call.onItem}. */
  readonly push = (json: JsonText): void => {
    const { raw } = this.#exchange.reply
    this.#taken += 1
    // Else nobody is there any more, and the work is to be finished all the same; or the answer is
    // over (the deadline), and the worker has not heard of it yet.
    if (!raw.destroyed && !raw.writableEnded && !this.#exchange.closed) {
      this.#begin()
      const flows = this.#isSse
        ? this.#writeEvent(`${this.#number++}`, json)
        : this.#write("", json, "\n")
      this.#quiet = false
      if (!flows) this.#waitForClient(json.length)
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
    clearInterval(this.#heart)
    if (this.#isSse) {
      this.#begin()
      this.#writeEvent(endId, "{}", "end")
      this.#exchange.reply.raw.end()
    } else if (this.#begun) this.#exchange.reply.raw.end()
    else send(this.#exchange, 200, "ok", this.#headers(), "")
  }

  fail(operation: Operation, outcome: StreamFailure): void {
    const exchange = this.#exchange
    const { raw } = exchange.reply
    clearInterval(this.#heart)
    if ("fault" in outcome) logBug(exchange, outcome.fault)
    if (outcome.kind === "shed") exchange.shedReason = outcome.reason
    exchange.outcome = recorded(outcome)
    if (this.#isSse) {
      this.#writeEvent(endId, failureOf(exchange, operation, outcome), "error")
      raw.end()
    } else {
      exchange.cutOff(exchange.outcome)
      raw.destroy()
    }
  }

  #writeEvent(id: string, json: JsonText, name?: string): boolean {
    const before = `id: ${id}\n${name === undefined ? "" : `event: ${name}\n`}data: `
    return this.#write(before, json, "\n\n")
  }

  /** Says whether the socket takes more. What is little leaves in one write. */
  #write(before: string, json: JsonText, after: string): boolean {
    const { raw } = this.#exchange.reply
    if (typeof json === "string") return raw.write(before + json + after)
    if (before !== "") raw.write(before)
    raw.write(json)
    return raw.write(after)
  }

  get #isSse(): boolean {
    return this.#mediaType === "text/event-stream"
  }

  /** Where a client does not read, there is enough under way already. */
  #beat(): void {
    const { raw } = this.#exchange.reply
    if (this.#quiet && this.#untaken === undefined && !raw.destroyed && !raw.writableEnded) {
      this.#begin()
      raw.write(":\n\n")
    }
    this.#quiet = true
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
  #waitForClient(bytes: number): void {
    if (this.#untaken !== undefined) {
      this.#untaken.grow(bytes)
      return
    }
    const { reply, surroundings } = this.#exchange
    const { raw } = reply
    const proceed = (): void => {
      raw.off("drain", proceed)
      raw.off("close", proceed)
      this.#untaken?.lift()
      this.#untaken = undefined
      this.#pull()
    }
    raw.on("drain", proceed)
    raw.on("close", proceed)
    this.#untaken = surroundings.unread.hold(raw, raw.writableLength)
  }

  /** By halves of the window: a message to the worker for each item would cost more than the item. */
  #pull(): void {
    if (this.#untaken !== undefined || this.#ticket === undefined) return
    if (this.#taken < streamWindow / 2) return
    this.#ticket.pull(this.#taken)
    this.#taken = 0
  }
}
