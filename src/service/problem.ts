/**
 * Problems: the errors that a client is meant to see (RFC 9457, `application/problem+json`).
 *
 * What an operation throws as a problem reaches the client whole, from whichever thread. Everything
 * else that it throws is a bug: the client gets a 500 with a request id and nothing more, the log
 * gets the stack. The two must never be mixed up, so there is one class, recognised by a brand: the
 * service may be bundled with a copy of this file of its own.
 */

import type { JsonText } from "./outcome.ts"

const brand: unique symbol = Symbol.for("capstan.problem") as never

/** The members of a problem document. All else in it are extensions. */
export interface ProblemDetails {
  /** HTTP status, 400 to 599. */
  readonly status: number
  /** A short summary that does not change from case to case. @default the status's reason phrase */
  readonly title?: string
  /** What happened this time, and what the client can do. */
  readonly detail?: string
  /** A URI that names the kind of problem. @default "about:blank" */
  readonly type?: string
  /** A URI that names this occurrence. */
  readonly instance?: string
  /** Any more members, as JSON. */
  readonly [extension: string]: unknown
}

/** An expected failure. Make it with {@link problem}. */
export class Problem extends Error {
  readonly [brand] = true
  readonly details: ProblemDetails

  constructor(details: ProblemDetails, options?: ErrorOptions) {
    const { status } = details
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`problem(): status ${status} is not an HTTP error status (400 to 599).`)
    }
    super(details.detail ?? details.title ?? reasonPhrase(status), options)
    this.name = "Problem"
    this.details = details
  }

  /** The document as it is sent. */
  toJSON(): ProblemDetails & { readonly type: string; readonly title: string } {
    const { status, type, title, ...rest } = this.details
    return {
      type: type ?? "about:blank",
      title: title ?? reasonPhrase(status),
      status,
      ...rest,
    }
  }
}

/** A problem document as it is sent, made where the problem was thrown. */
export interface WrittenProblem {
  readonly status: number
  readonly json: JsonText
}

/**
 * An expected failure for the client: `throw problem(404, "There is no such image.")`.
 *
 * @param status HTTP status, 400 to 599.
 * @param detail What happened and what the client can do.
 * @param more   `title`, `type`, `instance`, and any extension members.
 * @throws {RangeError} on a status out of range.
 */
export function problem(
  status: number,
  detail?: string,
  more: Omit<ProblemDetails, "status" | "detail"> = {},
): Problem {
  return new Problem({ ...more, status, ...(detail === undefined ? {} : { detail }) })
}

/** Whether something thrown is a problem, of this copy of Capstan or another. */
export function isProblem(thrown: unknown): thrown is Problem {
  return typeof thrown === "object" && thrown !== null && brand in thrown
}

/** Workers have no other use for node:http, so it is loaded when a problem needs it. */
function reasonPhrase(status: number): string {
  return process.getBuiltinModule("node:http").STATUS_CODES[status] ?? "Error"
}
