/**
 * The id that ties an answer to its lines in the log: the client's own, else the trace id of its
 * `traceparent`, else a new one.
 */
import type { IncomingHttpHeaders } from "node:http"
import { randomUUID } from "./builtin.ts"

export const requestIdHeader = "x-request-id"

/** Harmless in a log, a header and a URL, and short enough to keep. */
const validId = /^[A-Za-z0-9._-]{1,128}$/
/** Version, trace id, parent id, flags (W3C Trace Context). */
const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/
const noTrace = "0".repeat(32)

export interface RequestId {
  readonly id: string
  /**
   * Whether a balancer tells the replica. Not when it can find out from the trace: one trace may hold many
   * requests, and to the service an `x-request-id` is one request, tried again perhaps.
   */
  readonly isSent: boolean
}

export function requestIdOf(headers: IncomingHttpHeaders): RequestId {
  const given = headers[requestIdHeader]
  if (typeof given === "string" && validId.test(given)) return { id: given, isSent: true }
  const parent = headers.traceparent
  if (typeof parent === "string") {
    const traceId = traceparent.exec(parent)?.[1]
    if (traceId !== undefined && traceId !== noTrace) return { id: traceId, isSent: false }
  }
  return { id: randomUUID(), isSent: true }
}
