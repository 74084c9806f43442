/**
 * Headers as they are passed on, spelled and ordered as they came: less those that belong to one
 * connection (RFC 9110, section 7.6.1), and to the replica with where the request came from.
 */
import type { IncomingMessage } from "node:http"
import { deadlineHeader, deadlineMs } from "../../core/http/deadline-header.ts"
import { addressOf } from "../../core/http/peer.ts"
import { type RequestId, requestIdHeader } from "../../core/http/request-id.ts"
import { type ResponseHead, rawHeaders } from "../../core/http/response-parser.ts"

/**
 * What `Connection` can't take away by naming it: how long the message is, whom it is for, and what
 * the balancer says.
 */
const kept = new Set([
  "content-length",
  "transfer-encoding",
  "host",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  requestIdHeader,
])

/** @param waitedMs of a deadline that the client gave, this much is over. */
export function headersForReplica(
  request: IncomingMessage,
  requestId: RequestId,
  waitedMs: number,
): string[] {
  const raw = request.rawHeaders
  const named = namedByConnection(request.headers.connection)
  const sent: string[] = []
  let forwardedFor = ""
  let host: string | undefined
  let saysHost = false
  let saysProto = false
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const value = raw[i + 1]!
    const lower = name.toLowerCase()
    if (named?.has(lower)) continue
    switch (lower) {
      case "connection":
      case "keep-alive":
      case "proxy-connection":
      case "upgrade":
      case "http2-settings":
      case requestIdHeader:
        continue
      case "te":
        // The one thing in it that is true of the whole way: trailers are passed on.
        if (/\btrailers\b/i.test(value)) sent.push("te", "trailers")
        continue
      case "x-forwarded-for":
        forwardedFor += `${value}, `
        continue
      case deadlineHeader:
        sent.push(name, leftOf(value, waitedMs))
        continue
      case "x-forwarded-proto":
        saysProto = true
        break
      case "x-forwarded-host":
        saysHost = true
        break
      case "host":
        host = value
        break
    }
    sent.push(name, value)
  }
  // It leaves as HTTP/1.1, which can't do without. One that came as such is the replica's to refuse.
  if (host === undefined && request.httpVersionMinor === 0) {
    sent.push("host", `localhost:${request.socket.localPort}`)
  }
  sent.push("x-forwarded-for", forwardedFor + addressOf(request.socket))
  // Whoever is in front of the balancer knows better what the client asked for.
  if (!saysProto) sent.push("x-forwarded-proto", "http")
  if (!saysHost && host) sent.push("x-forwarded-host", host)
  if (requestId.isSent) sent.push(requestIdHeader, requestId.id)
  return sent
}

/**
 * Trailers that may be passed on. They come when all that they could say of the message has been
 * decided: what frames or routes it, says who sends it or how to take it (RFC 9110, section 6.5.1) is
 * dropped, for whoever merges trailers into the headers would take it for what was decided on.
 * @param raw names and values in turn.
 * @param connection what `Connection` says in the message's head.
 */
export function trailersToPassOn(
  raw: readonly string[],
  connection: string | undefined,
): readonly string[] {
  if (raw.length === 0) return raw
  const named = namedByConnection(connection)
  return raw.filter((_, i) => {
    const name = raw[i - (i % 2)]!.toLowerCase()
    return !notInTrailers.has(name) && named?.has(name) !== true
  })
}

const notInTrailers = new Set([
  ...kept,
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "http2-settings"],
  ...["authorization", "proxy-authorization", "www-authenticate", "proxy-authenticate"],
  ...["proxy-authentication-info", "cookie", "set-cookie", "forwarded", deadlineHeader],
  ...["content-encoding", "content-type", "content-range", "content-location"],
  ...["cache-control", "expect", "max-forwards", "pragma", "range", "if-match", "if-none-match"],
  ...["if-modified-since", "if-unmodified-since", "if-range"],
  ...["age", "date", "expires", "location", "retry-after", "vary", "warning"],
])

/** @param mayTrail whether trailers can follow, if the answer has no length. */
export function headersForClient(
  { status, lines, connection }: ResponseHead,
  mayTrail: boolean,
): string[] {
  const raw = rawHeaders(lines)
  const named = namedByConnection(optionsOf(connection))
  const sent: string[] = []
  let trailer: string | undefined
  let hasLength = false
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!
    const lower = name.toLowerCase()
    if (named?.has(lower)) continue
    switch (lower) {
      case "connection":
      case "keep-alive":
      case "proxy-connection":
      case "transfer-encoding":
      case "upgrade":
        continue
      case "trailer":
        trailer = raw[i + 1]
        continue
      case "content-length":
        // Not even a 0 may stand there (RFC 9110, section 8.6).
        if (status === 204) continue
        hasLength = true
        break
    }
    sent.push(name, raw[i + 1]!)
  }
  if (trailer !== undefined && mayTrail && !hasLength) sent.push("trailer", trailer)
  return sent
}

/** A wrong one is passed on as it is, for the service to refuse. */
function leftOf(value: string, waitedMs: number): string {
  const ms = deadlineMs(value)
  if (waitedMs < 1 || ms === undefined) return value
  return String(Math.max(1, ms - Math.floor(waitedMs)))
}

/** As a {@link ResponseHead} has them. */
export function optionsOf(connection: string): string | undefined {
  return connection === "" ? undefined : connection.slice(1)
}

/** Nearly always there is nothing but `keep-alive` or `close`. */
function namedByConnection(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "close") {
    return undefined
  }
  const names = connection.split(",").map((name) => name.trim().toLowerCase())
  // `TE` is named whenever it is there, and has its own rule.
  return new Set(names.filter((name) => name !== "te" && !kept.has(name)))
}
