/**
 * How a client says that it won't wait as long as the operation would take.
 *
 * There is no standard header for it. `x-envoy-expected-rq-timeout-ms` is what is sent in practice:
 * Envoy, and with it Istio and most gateways built on it, sets it on every try, retries included, to
 * what is left of the route's timeout. `grpc-timeout` belongs to gRPC, and `Prefer: wait` (RFC 7240)
 * asks for an early answer in whole seconds, which is another thing.
 */
import type { IncomingHttpHeaders } from "node:http"
import { problem } from "../problem.ts"

export const deadlineHeader = "x-envoy-expected-rq-timeout-ms"

/**
 * The time this request has, in milliseconds from its arrival: the operation's, or less when the
 * client asks for less. A client can't ask for more.
 * @throws {Problem} 400 when the header is not a whole number from 1.
 */
export function timeAllowedMs(headers: IncomingHttpHeaders, operationMs: number): number {
  const given = headers[deadlineHeader]
  if (given === undefined) return operationMs
  if (typeof given !== "string" || !/^0*[1-9]\d*$/.test(given)) {
    throw problem(
      400,
      `The header ${deadlineHeader} must be a whole number of milliseconds, 1 or more.`,
    )
  }
  return Math.min(operationMs, Number(given))
}
