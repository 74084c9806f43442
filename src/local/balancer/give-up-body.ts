/** Ending a request whose body is not wanted any more. */
import type { IncomingMessage } from "node:http"
import { drainBytesMax, lingerWhenClosed, throwAway } from "../../core/http/linger.ts"

/**
 * Throws away what is left of the body. A client that expects `100 Continue` may never send it.
 * @returns whether the connection has to end for it.
 */
export function giveUpBody(request: IncomingMessage): boolean {
  if (request.complete) return false
  const { "content-length": length, expect } = request.headers
  throwAway(request)
  if (expect === undefined && Number(length ?? Number.POSITIVE_INFINITY) <= drainBytesMax) {
    return false
  }
  lingerWhenClosed(request.socket)
  return true
}
