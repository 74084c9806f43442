/**
 * How a client says that it won't wait as long as the operation would take.
 *
 * There is no standard header for it. `x-envoy-expected-rq-timeout-ms` is what is sent in practice:
 * Envoy, and with it Istio and most gateways built on it, sets it on every try, retries included, to
 * what is left of the route's timeout. `grpc-timeout` belongs to gRPC, and `Prefer: wait` (RFC 7240)
 * asks for an early answer in whole seconds, which is another thing.
 */
export const deadlineHeader = "x-envoy-expected-rq-timeout-ms"

/**
 * The milliseconds that its value asks for; undefined when that is no whole number from 1. The balancer
 * and the service both read it here: what one took for another number would be another deadline.
 * @param value as node:http has it, which joins the values of two headers with a comma.
 */
export function deadlineMs(value: string | readonly string[] | undefined): number | undefined {
  if (typeof value !== "string" || !/^\d+$/.test(value)) return undefined
  // Nobody waits for that long, and beyond it a number is not written in digits any more.
  const ms = Math.min(Number(value), Number.MAX_SAFE_INTEGER)
  return ms === 0 ? undefined : ms
}
