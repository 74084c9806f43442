/** The id that ties a response to its lines in the log. */
import type { IncomingHttpHeaders } from "node:http"
import { randomUUID } from "../builtin.ts"

export const requestIdHeader = "x-request-id"

/** Harmless in a log, a header and a URL, and short enough to keep. */
const validId = /^[A-Za-z0-9._-]{1,128}$/
/** Version, trace id, parent id, flags (W3C Trace Context). */
const traceparent = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/
const noTrace = "0".repeat(32)

/** The client's own `x-request-id`, else the trace id of its `traceparent`, else a new one. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers[requestIdHeader]
  if (typeof given === "string" && validId.test(given)) return given
  const parent = headers.traceparent
  if (typeof parent === "string") {
    const traceId = traceparent.exec(parent)?.[1]
    if (traceId !== undefined && traceId !== noTrace) return traceId
  }
  return randomUUID()
}

/** Keys are chosen by clients; longer ones are no keys. */
const keyLengthMax = 256

/**
 * What is the same for every try of one request: its `idempotency-key`, else the id that the client
 * gave it. A trace id won't do: one trace may hold many requests.
 */
export function tryIdOf(headers: IncomingHttpHeaders, requestId: string): string {
  const key = headers["idempotency-key"]
  if (typeof key === "string" && key !== "" && key.length <= keyLengthMax) return key
  if (headers[requestIdHeader] === requestId || headers.traceparent === undefined) return requestId
  return randomUUID()
}
