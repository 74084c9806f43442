/** What is known of a request when it is over: one line in the log and one observation for the metrics. */
import type { ShedReason } from "../outcome.ts"

/**
 * What became of a request.
 *
 * - `ok`: answered with success.
 * - `bad-request`: refused as it stands: malformed, invalid, too large, not found, not acceptable, or
 *   more work than can be done by its deadline.
 * - `problem`: the operation threw a problem, so it was answered as the operation wanted.
 * - `shed`: 503, and never run.
 * - `expired`: 504.
 * - `cancelled`: the client left before its answer was sent; the status is 499, which nobody got.
 * - `error`: a bug of the service: 500.
 * - `crashed`: its worker died under it: 500.
 */
export type RequestOutcome =
  | "ok"
  | "bad-request"
  | "problem"
  | "shed"
  | "expired"
  | "cancelled"
  | "error"
  | "crashed"

export interface RequestRecord {
  readonly requestId: string
  /** Empty when the request could not be read that far. */
  readonly method: string
  /** Without the query. Empty when the request could not be read that far. */
  readonly path: string
  /** The operation's name; undefined for documentation, unknown paths and what could not be read. */
  readonly operation: string | undefined
  /** As it was sent, or 499 when the client left. */
  readonly status: number
  readonly outcome: RequestOutcome
  /** From the arrival of the headers to the end of the answer. */
  readonly durationMs: number
  readonly shedReason: ShedReason | undefined
}
