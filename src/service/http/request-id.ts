/** The ids of a request, as the service takes them. */
import type { IncomingHttpHeaders } from "node:http"
import { randomUUID } from "../../core/http/builtin.ts"
import { requestIdHeader } from "../../core/http/request-id.ts"

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
