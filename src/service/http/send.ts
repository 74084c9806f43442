/**
 * Writing answers. They go straight to Node's response: all that Fastify's `reply.send` would find
 * out about them (type, length, serialisation) is known already, and the path of a refusal under
 * overload must be as short as it gets.
 */
import type { OutgoingHttpHeaders } from "node:http"
import { drainBytesMax, lingerWhenClosed, throwAway } from "../../core/http/linger.ts"
import { requestIdHeader } from "../../core/http/request-id.ts"
import { takenAtOnceBytes } from "../../core/http/unread.ts"
import { ambiguity } from "../../core/http/unreadable.ts"
import { toFault } from "../fault.ts"
import {
  isProblem,
  Problem,
  type ProblemDetails,
  problem,
  type WrittenProblem,
} from "../problem.ts"
import { isSpent } from "./connection.ts"
import type { Exchange } from "./exchange.ts"
import type { RequestOutcome } from "./record.ts"
import { securityHeaders } from "./security-headers.ts"

export const problemMediaType = "application/problem+json"

/**
 * Sends an answer whole; a text leaves in one write together with the head, which bytes don't. Does
 * nothing when one was sent already, the client has left or was cut off.
 */
export function send(
  exchange: Exchange,
  status: number,
  outcome: RequestOutcome,
  headers: OutgoingHttpHeaders,
  body: string | Uint8Array | undefined,
): void {
  const { raw } = exchange.reply
  if (raw.headersSent || raw.destroyed || exchange.closed) return
  exchange.outcome = outcome
  const all = headersOf(exchange, headers)
  let length = 0
  if (body !== undefined) {
    length = typeof body === "string" ? Buffer.byteLength(body) : body.byteLength
    all["content-length"] = length
  }
  raw.writeHead(status, all)
  raw.end(body)
  if (length > takenAtOnceBytes) exchange.surroundings.unread.hold(raw, length)
}

/** Sends the head of an answer whose body follows piece by piece. */
export function sendHead(exchange: Exchange, status: number, headers: OutgoingHttpHeaders): void {
  exchange.reply.raw.writeHead(status, headersOf(exchange, headers))
}

/** For answers that a library sends, through whose hands the rest of the headers go. */
export function setCommonHeaders(exchange: Exchange): void {
  const { raw } = exchange.reply
  for (const [name, value] of Object.entries(headersOf(exchange, {}))) {
    if (value !== undefined) raw.setHeader(name, value)
  }
}

export function sendProblem(
  exchange: Exchange,
  details: ProblemDetails,
  outcome: RequestOutcome,
  headers: OutgoingHttpHeaders = {},
): void {
  const json = JSON.stringify(new Problem(details))
  sendWritten(exchange, { status: details.status, json }, outcome, headers)
}

/** The same of one whose document has been made already. */
export function sendWritten(
  exchange: Exchange,
  { status, json }: WrittenProblem,
  outcome: RequestOutcome,
  headers: OutgoingHttpHeaders = {},
): void {
  send(exchange, status, outcome, { ...headers, "content-type": problemMediaType }, json)
}

/**
 * Answers what was thrown on the way. A problem is for the client, and so is a library's error that
 * blames the request; all else is a bug, of which only the log learns more than that there was one.
 */
export function sendThrown(
  exchange: Exchange,
  thrown: unknown,
  outcome: RequestOutcome = "bad-request",
): void {
  const { statusCode, message } = (thrown ?? {}) as Partial<Error> & { statusCode?: unknown }
  if (isProblem(thrown)) sendProblem(exchange, thrown.details, outcome)
  else if (isClientError(statusCode)) {
    sendProblem(exchange, problem(statusCode, message).details, outcome)
  } else sendBug(exchange, thrown, "error")
}

/** 500, with the request's id for whoever reports it; `fault` goes to the log. */
export function sendBug(
  exchange: Exchange,
  fault: unknown,
  outcome: "error" | "crashed",
  detail = "The service failed to answer this request. Its log has the reason under the request's id.",
): void {
  logBug(exchange, fault)
  sendProblem(exchange, { status: 500, detail, requestId: exchange.requestId }, outcome)
}

export function logBug(exchange: Exchange, fault: unknown): void {
  exchange.surroundings.log.error(
    { requestId: exchange.requestId, operation: exchange.operationName, err: toFault(fault) },
    "a request failed by a bug of the service",
  )
}

/**
 * Whether the response is the connection's last. It is found out as late as can be. A client that
 * has sent more requests already (pipelining) is told by the answer to the newest: what is behind
 * a goodbye would be lost, though it was admitted.
 */
function isLast(exchange: Exchange): boolean {
  const { surroundings, connection, request } = exchange
  if (connection.current !== exchange) return false
  if (ambiguity(request.raw) !== undefined) return true
  if (surroundings.pipelines.hasMoreBehind(request.raw)) return false
  return surroundings.isDraining() || isSpent(connection, surroundings.now())
}

function headersOf(exchange: Exchange, headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const all: OutgoingHttpHeaders = {
    ...securityHeaders,
    [requestIdHeader]: exchange.requestId,
    ...headers,
  }
  // Only the CORS plugin leaves headers with Fastify.
  if (exchange.surroundings.settings.corsOrigins.length > 0) {
    Object.assign(all, exchange.reply.getHeaders())
    if (headers.vary !== undefined && all.vary !== headers.vary) {
      all.vary = `${headers.vary}, ${all.vary}`
    }
  }
  const refusedEarly = exchange.isReceiving && !canDrain(exchange)
  if (refusedEarly || isLast(exchange)) all.connection = "close"
  return all
}

/**
 * Whether what is left of the body is little enough to be read for nothing, so that the connection
 * can be kept. Either way it is read from here on: left in the socket, it would break the answer.
 */
function canDrain(exchange: Exchange): boolean {
  const { raw } = exchange.request
  const small = exchange.declaredBytes > 0 && exchange.declaredBytes <= drainBytesMax
  // A small one that nobody has begun to read is read by node:http itself.
  if (small && raw.readableFlowing === null) return true
  raw.unpipe()
  throwAway(raw)
  if (!small) lingerWhenClosed(raw.socket)
  return small
}

function isClientError(status: unknown): status is number {
  return typeof status === "number" && status >= 400 && status <= 499
}
