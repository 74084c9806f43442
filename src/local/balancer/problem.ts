/**
 * The balancer's own answers: problems (RFC 9457) that look like the service's, id and headers
 * included, so that a client needs to know one kind only.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { http } from "../../core/http/builtin.ts"
import { corsHeaders, isPreflight, preflightHeaders } from "../../core/http/cors.ts"
import { lingerWhenClosed } from "../../core/http/linger.ts"
import { requestIdHeader } from "../../core/http/request-id.ts"
import { giveUpBody } from "./give-up-body.ts"
import { responseHead } from "./message.ts"

export interface BalancerProblem {
  readonly status: number
  readonly detail: string
  readonly requestId: string
  readonly retryAfterSeconds?: number
}

/**
 * Answers with a problem; what a browser asks before a request is granted instead, so that a page gets
 * to read the problem that its request then has.
 * @param isLast the connection ends with this answer.
 * @param corsOrigins whose pages may read it.
 */
export function answerProblem(
  request: IncomingMessage,
  response: ServerResponse,
  problem: BalancerProblem,
  isLast: boolean,
  corsOrigins: readonly string[],
): void {
  const cors = corsHeaders(corsOrigins, request.headers)
  if (corsOrigins.length > 0 && isPreflight(request.method, request.headers)) {
    const granted = { ...cors, ...preflightHeaders(request.headers) }
    const headers = [...commonHeaders(problem.requestId), ...Object.entries(granted).flat()]
    if (giveUpBody(request) || isLast) headers.push("connection", "close")
    response.writeHead(204, reasonOf(204), headers)
    response.end()
    return
  }
  const body = bodyOf(problem)
  const headers = [...headersOf(problem, body), ...Object.entries(cors).flat()]
  if (giveUpBody(request) || isLast) headers.push("connection", "close")
  response.writeHead(problem.status, reasonOf(problem.status), headers)
  response.end(body)
}

/**
 * Where node:http has no response object, or it is of no use any more. The connection ends with it.
 * @param cors headers that let pages of other origins read it.
 */
export function writeProblem(
  socket: Socket,
  problem: BalancerProblem,
  cors: Readonly<Record<string, string>>,
): void {
  const body = bodyOf(problem)
  const headers = [
    ...headersOf(problem, body),
    ...Object.entries(cors).flat(),
    "connection",
    "close",
  ]
  lingerWhenClosed(socket)
  socket.write(responseHead(problem.status, reasonOf(problem.status), headers) + body, () => {
    socket.destroySoon()
  })
}

function bodyOf({ status, detail, requestId }: BalancerProblem): string {
  return JSON.stringify({
    type: "about:blank",
    title: reasonOf(status),
    status,
    detail,
    // As the service does: whoever reports a failure has its id at hand.
    ...(status >= 500 && status !== 503 ? { requestId } : {}),
  })
}

function headersOf(problem: BalancerProblem, body: string): string[] {
  const { requestId, retryAfterSeconds } = problem
  const headers = [
    ...commonHeaders(requestId),
    ...["content-type", "application/problem+json"],
    ...["content-length", String(Buffer.byteLength(body))],
  ]
  if (retryAfterSeconds !== undefined) headers.push("retry-after", String(retryAfterSeconds))
  return headers
}

function commonHeaders(requestId: string): string[] {
  return [
    ...["cache-control", "no-store"],
    ...["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
    ...["referrer-policy", "no-referrer"],
    ...["x-content-type-options", "nosniff"],
    ...["x-frame-options", "DENY"],
    ...[requestIdHeader, requestId],
  ]
}

function reasonOf(status: number): string {
  return http.STATUS_CODES[status] ?? "Error"
}
