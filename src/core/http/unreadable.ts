/** What to say of a request that node:http could not read, or would wait for no longer. */

import type { IncomingMessage } from "node:http"

export interface Unreadable {
  readonly status: number
  readonly detail: string
}

/** `undefined` when there is nobody to say it to: the connection has ended in the middle of it. */
export function unreadable({ code }: NodeJS.ErrnoException): Unreadable | undefined {
  switch (code) {
    case "ECONNRESET":
    case "HPE_INVALID_EOF_STATE":
      return undefined
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: 408, detail: "The request took too long to arrive." }
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, detail: "The headers, request line included, are too large." }
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return { status: 413, detail: "The chunk extensions of the body are too large." }
    default:
      return { status: 400, detail: "This is not an HTTP request that can be read." }
  }
}

/**
 * Why others may see another request than node:http does, or another end of it; `undefined` when nobody
 * does. Whoever passed it on may have read it so. The connection has to end with the answer.
 */
export function ambiguity(request: IncomingMessage): Unreadable | undefined {
  const { httpVersion, headers } = request
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return otherVersion
  // HTTP/1.0 knows nothing of chunks: they may be a body, or the next request (RFC 9112, section 6.1).
  if (headers["transfer-encoding"] !== undefined && httpVersion === "1.0") return oldChunks
  return hasTwoHosts(request) ? twoHosts : undefined
}

const otherVersion: Unreadable = {
  status: 505,
  detail: "Only HTTP/1.1 and HTTP/1.0 are spoken here.",
}
const oldChunks: Unreadable = {
  status: 400,
  detail: "Only a request of HTTP/1.1 may have a transfer-encoding; send content-length instead.",
}
const twoHosts: Unreadable = {
  status: 400,
  detail: "The request has two hosts: send one header host, and no other in the address.",
}

/** Two readers could take either (RFC 9112, section 3.2). */
function hasTwoHosts({ rawHeaders, headers, url = "/" }: IncomingMessage): boolean {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length === 4 && rawHeaders[i]!.toLowerCase() === "host") count += 1
  }
  if (count > 1) return true
  // Nearly always it is a path.
  if (count === 0 || url.startsWith("/")) return false
  const address = URL.parse(url)
  if (address === null || address.host === "") return false
  return address.host !== URL.parse(`${address.protocol}//${headers.host}`)?.host
}
