/**
 * Requests that node:http could not read, or would wait for no longer: 400, 408, 413 and 431. No
 * response object exists for them, or it is of no use any more, so the answer is written to the
 * socket: when those in front of them are answered, and if none has begun there.
 *
 * What comes behind a whole request that is still to be answered is not answered itself: nobody waits
 * for it, and whoever reads answers one by one would take it for that of a later request.
 */
import type { Socket } from "node:net"
import { http, randomUUID } from "../../core/http/builtin.ts"
import { corsHeaders } from "../../core/http/cors.ts"
import { endInPeace, lingerWhenClosed } from "../../core/http/linger.ts"
import { requestIdHeader } from "../../core/http/request-id.ts"
import { type Unreadable, unreadable } from "../../core/http/unreadable.ts"
import { Problem } from "../problem.ts"
import { type Exchange, logRequest, type Surroundings } from "./exchange.ts"
import { securityHeaders } from "./security-headers.ts"
import { problemMediaType } from "./send.ts"

export function answerClientError(
  surroundings: Surroundings,
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  // What follows what was refused already.
  if (socket.writableEnded) return
  const refusal = unreadable(error)
  if (refusal === undefined || !socket.writable) {
    socket.destroy()
    return
  }
  const { pipelines, settings } = surroundings
  const say = (): void => sayAtLast(surroundings, socket, refusal)
  if (refusal.status === 408) pipelines.late(socket, "request", settings.requestTimeoutMs, say)
  else say()
}

function sayAtLast(surroundings: Surroundings, socket: Socket, refusal: Unreadable): void {
  const { connections, pipelines } = surroundings
  let isBehind = false
  pipelines.atLast(socket, () => {
    const newest = connections.find(socket)?.current
    const exchange = newest?.reply.raw.writableFinished ? undefined : newest
    if (exchange !== undefined && !exchange.isReceiving) {
      isBehind = true
      return false
    }
    if (isBehind) endInPeace(socket)
    else if (exchange?.reply.raw.headersSent) socket.destroy()
    else refuse(surroundings, socket, refusal, exchange)
    return true
  })
}

function refuse(
  surroundings: Surroundings,
  socket: Socket,
  { status, detail }: Unreadable,
  exchange: Exchange | undefined,
): void {
  const requestId = exchange?.requestId ?? randomUUID()
  if (exchange !== undefined) exchange.cutOff("bad-request", status)
  // A connection on which nothing was ever sent (a probe, a browser's spare) is no request.
  else if (socket.bytesRead > 0) record(surroundings, requestId, status)
  lingerWhenClosed(socket)
  const cors = corsHeaders(surroundings.settings.corsOrigins, exchange?.request.raw.headers)
  socket.write(response(status, detail, { ...cors, [requestIdHeader]: requestId }), () => {
    socket.destroySoon()
  })
}

function record({ observe, log }: Surroundings, requestId: string, status: number): void {
  const unread = {
    requestId,
    method: "",
    path: "",
    operation: undefined,
    status,
    outcome: "bad-request",
    durationMs: 0,
    shedReason: undefined,
  } as const
  observe(unread)
  logRequest(log, unread)
}

function response(status: number, detail: string, more: Readonly<Record<string, string>>): string {
  const body = JSON.stringify(new Problem({ status, detail }))
  const headers = {
    ...securityHeaders,
    ...more,
    "content-type": problemMediaType,
    "content-length": Buffer.byteLength(body),
    connection: "close",
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}`, ...lines, "", body].join("\r\n")
}
