/** What a sending thread tells the run, once a second and whenever a tape is full. */
import type { ExceptionRow } from "./exception.ts"
import type { FailureRow } from "./failure.ts"
import type { ThreadSecond } from "./generator.ts"
import type { NamePair } from "./names.ts"

/** What came of requests since the last time. */
export interface Batch {
  /** New ones, in the order of their numbers. To be read before the requests. */
  readonly names: readonly NamePair[]
  /** Part of a tape. */
  readonly requests: Uint32Array
}

/** Everything since the last beat. */
export interface Beat extends Batch {
  readonly second: ThreadSecond
  readonly failures: readonly FailureRow[]
  readonly exceptions: readonly ExceptionRow[]
  /** What opening connections took, each one: the connection, and TLS on top of it. */
  readonly connectsMs: readonly number[]
  readonly handshakesMs: readonly number[]
  readonly opened: number
  readonly resent: number
  readonly notSent: number
  readonly usersStarted: number
  /** At this moment: users in the closed model; in both, requests that wait for their answers. */
  readonly users: number
  readonly waiting: number
}
