/**
 * Failures, as data. Each is told apart by what was asked and what went wrong, counted, and kept
 * with the time it was first and last seen and one example. Their number is bounded: what comes
 * after that is counted under one name, and never lost.
 */

export type FailureKind =
  | "refused"
  | "reset"
  | "timeout"
  | "dns"
  | "unreachable"
  | "tls"
  | "malformed"
  | "status"
  | "check"
  | "not sent"
  | "unanswered"
  | "threw"
  | "other"

export interface Failure {
  readonly kind: FailureKind
  /** In words, without anything that differs from one to the next. */
  readonly error: string
  /** All that was known of this one: a message, the beginning of a body. */
  readonly example: string
}

export interface FailureRow {
  readonly method: string
  readonly name: string
  readonly kind: FailureKind
  readonly error: string
  readonly occurrences: number
  /** In milliseconds since 1970. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  readonly example: string
}

export const failureRowsMax = 200

export class Failures {
  readonly #rows = new Map<string, FailureRow & { occurrences: number; lastSeenMs: number }>()

  add(method: string, name: string, failure: Failure, nowMs: number): void {
    const key = `${method}\n${name}\n${failure.error}`
    if (!this.#rows.has(key) && this.#rows.size >= failureRowsMax) {
      if (name !== others) {
        const error = `one of more than ${failureRowsMax} kinds of failure`
        this.add("", others, { ...failure, kind: "other", error }, nowMs)
        return
      }
    }
    const row = this.#rows.get(key)
    if (row === undefined) {
      const row = {
        method,
        name,
        ...failure,
        occurrences: 1,
        firstSeenMs: nowMs,
        lastSeenMs: nowMs,
      }
      this.#rows.set(key, row)
      return
    }
    row.occurrences += 1
    row.lastSeenMs = nowMs
  }

  /** The most frequent first. */
  rows(): readonly FailureRow[] {
    return Array.from(this.#rows.values(), (row) => ({ ...row })).toSorted(
      (a, b) => b.occurrences - a.occurrences,
    )
  }
}

const others = "(others)"

/** The failure that an error of a connection is. */
export function connectionFailure(error: Error): Failure {
  const { code = error.name, message } = error as NodeJS.ErrnoException
  // A connection tried over several addresses fails with one error for each.
  const first = (error as Partial<AggregateError>).errors?.[0]
  if (first instanceof Error && kindOf(code) === "other") return connectionFailure(first)
  const kind = kindOf(code)
  return {
    kind,
    error: words[kind] ?? `${code}: ${message}`.slice(0, 200),
    example: message || code,
  }
}

const words: Partial<Record<FailureKind, string>> = {
  refused: "connection refused",
  reset: "connection closed before the answer was complete",
  timeout: "no connection in time",
  dns: "the host's name is not known",
  malformed: "what came back is not HTTP",
}

function kindOf(code: string): FailureKind {
  switch (code) {
    case "ECONNREFUSED":
      return "refused"
    case "ECONNRESET":
    case "EPIPE":
    case "UND_ERR_SOCKET":
      return "reset"
    case "ETIMEDOUT":
    case "UND_ERR_CONNECT_TIMEOUT":
      return "timeout"
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "dns"
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "unreachable"
    default:
      if (/^(HPE_|HTTPParserError|UND_ERR_HEADERS_OVERFLOW|UND_ERR_RES)/.test(code)) {
        return "malformed"
      }
      return /CERT|TLS|SSL|UNABLE_TO_/.test(code) ? "tls" : "other"
  }
}
