/**
 * Requests that node:http could not read, or would wait for no longer: 400, 408, 413 and 431. No
 * response object exists for them, or it is of no use any more, so the answer is written to the
 * socket, if none has begun there.
 */
import type { Socket } from "node:net"
import { http, randomUUID } from "../../core/http/builtin.ts"
import { lingerWhenClosed } from "../../core/http/linger.ts"
import { requestIdHeader } from "../../core/http/request-id.ts"
import { unreadable } from "../../core/http/unreadable.ts"
import { Problem } from "../problem.ts"
import { logRequest, type Surroundings } from "./exchange.ts"
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
  const { status, detail } = refusal
  const exchange = surroundings.connections.find(socket)?.current
  const requestId = exchange?.requestId ?? randomUUID()
  const begun = exchange?.reply.raw.headersSent ?? false
  if (exchange !== undefined && !begun) exchange.cutOff("bad-request", status)
  // A connection on which nothing was ever sent (a probe, a browser's spare) is no request.
  else if (exchange === undefined && socket.bytesRead > 0) record(surroundings, requestId, status)
  if (begun) {
    socket.destroy()
    return
  }
  lingerWhenClosed(socket)
  socket.write(response(status, detail, requestId), () => {
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

function response(status: number, detail: string, requestId: string): string {
  const body = JSON.stringify(new Problem({ status, detail }))
  const headers = {
    ...securityHeaders,
    [requestIdHeader]: requestId,
    "content-type": problemMediaType,
    "content-length": Buffer.byteLength(body),
    connection: "close",
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}`, ...lines, "", body].join("\r\n")
}
