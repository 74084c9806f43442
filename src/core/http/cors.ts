/**
 * What lets pages of other origins read an answer (CORS): of the service's own, and of the answers
 * that the balancer gives in its place, which must not differ.
 */
import type { IncomingHttpHeaders } from "node:http"
import { requestIdHeader } from "./request-id.ts"

export const corsMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]
/** Beside those that may always be read. */
export const exposedHeaders = [requestIdHeader, "retry-after"]
/** How long a browser need not ask again, in seconds. */
export const preflightAgeS = 600

/**
 * The headers of an answer.
 * @param origins that may read it; `*` for any. None: CORS is off.
 * @param request the headers of the request; of one that could not be read, there are none.
 */
export function corsHeaders(
  origins: readonly string[],
  request: IncomingHttpHeaders = {},
): Readonly<Record<string, string>> {
  if (origins.length === 0) return {}
  const exposed = { "access-control-expose-headers": exposedHeaders.join(", ") }
  if (origins.includes("*")) return { "access-control-allow-origin": "*", ...exposed }
  const { origin } = request
  if (origin === undefined || !origins.includes(origin)) return { vary: "Origin", ...exposed }
  return { vary: "Origin", "access-control-allow-origin": origin, ...exposed }
}

/** What a browser asks before it sends a request that a page could not have sent without CORS. */
export function isPreflight(method: string | undefined, request: IncomingHttpHeaders): boolean {
  return (
    method === "OPTIONS" &&
    request.origin !== undefined &&
    request["access-control-request-method"] !== undefined
  )
}

/** The headers of the answer to that, beside {@link corsHeaders}. */
export function preflightHeaders(request: IncomingHttpHeaders): Readonly<Record<string, string>> {
  const wanted = request["access-control-request-headers"]
  return {
    "access-control-allow-methods": corsMethods.join(", "),
    ...(wanted === undefined ? {} : { "access-control-allow-headers": wanted }),
    "access-control-max-age": `${preflightAgeS}`,
  }
}
