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
 * Whether others may see another end of this request than node:http does: HTTP/1.0 knows nothing of
 * chunks, so whoever passed it on may have taken them for a body, or for the next request (RFC 9112,
 * section 6.1). The connection has to end with the answer.
 */
export function isAmbiguous({ httpVersion, headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined && httpVersion !== "1.1"
}

export const ambiguous: Unreadable = {
  status: 400,
  detail: "Only a request of HTTP/1.1 may have a transfer-encoding; send content-length instead.",
}
