/**
 * How a client says that it won't wait as long as the operation would take.
 *
 * There is no standard header for it. `x-envoy-expected-rq-timeout-ms` is what is sent in practice:
 * Envoy, and with it Istio and most gateways built on it, sets it on every try, retries included, to
 * what is left of the route's timeout. `grpc-timeout` belongs to gRPC, and `Prefer: wait` (RFC 7240)
 * asks for an early answer in whole seconds, which is another thing.
 */
export const deadlineHeader = "x-envoy-expected-rq-timeout-ms"
