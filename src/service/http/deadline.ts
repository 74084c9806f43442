/** How long a request has. */
import type { IncomingHttpHeaders } from "node:http"
import { deadlineHeader, deadlineMs } from "../../core/http/deadline-header.ts"
import { problem } from "../problem.ts"

/**
 * The time this request has, in milliseconds from its arrival: the operation's, or less when the
 * client asks for less. A client can't ask for more.
 * @throws {Problem} 400 when the header is not a whole number from 1.
 */
export function timeAllowedMs(headers: IncomingHttpHeaders, operationMs: number): number {
  const given = headers[deadlineHeader]
  if (given === undefined) return operationMs
  const givenMs = deadlineMs(given)
  if (givenMs === undefined) {
    throw problem(
      400,
      `The header ${deadlineHeader} must be a whole number of milliseconds, 1 or more.`,
    )
  }
  return Math.min(operationMs, givenMs)
}
