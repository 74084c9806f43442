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
  | "redirect"
  | "check"
  | "not sent"
  | "unanswered"
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
  readonly #rows = new Map<string, FailureRow>()

  add(method: string, name: string, failure: Failure, nowMs: number): void {
    const times = { occurrences: 1, firstSeenMs: nowMs, lastSeenMs: nowMs }
    this.merge({ method, name, ...failure, ...times })
  }

  /** Adds what another thread has seen. */
  merge(row: FailureRow): void {
    const key = `${row.method}\n${row.name}\n${row.error}`
    const known = this.#rows.get(key)
    if (known !== undefined) {
      this.#rows.set(key, {
        ...known,
        occurrences: known.occurrences + row.occurrences,
        firstSeenMs: Math.min(known.firstSeenMs, row.firstSeenMs),
        lastSeenMs: Math.max(known.lastSeenMs, row.lastSeenMs),
      })
    } else if (this.#rows.size >= failureRowsMax && row.name !== others) {
      const error = `one of more than ${failureRowsMax} kinds of failure`
      this.merge({ ...row, method: "", name: others, kind: "other", error })
    } else {
      this.#rows.set(key, row)
    }
  }

  /** The most frequent first. */
  rows(): readonly FailureRow[] {
    return [...this.#rows.values()].toSorted((a, b) => b.occurrences - a.occurrences)
  }

  /** All of them, which are then forgotten here. */
  take(): readonly FailureRow[] {
    const rows = [...this.#rows.values()]
    this.#rows.clear()
    return rows
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
  if (kind === "malformed") {
    return { kind, error: `what came back is not HTTP: ${message}`, example: message }
  }
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
}

/** Whether nobody was there to be asked: then there is no point in asking again at once. */
export function isUnconnected(kind: FailureKind): boolean {
  return ["refused", "dns", "unreachable", "tls"].includes(kind)
}

function kindOf(code: string): FailureKind {
  switch (code) {
    case "ECONNREFUSED":
      return "refused"
    case "ECONNRESET":
    case "EPIPE":
      return "reset"
    case "ETIMEDOUT":
      return "timeout"
    case "MALFORMED":
      return "malformed"
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "dns"
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "unreachable"
    default:
      return /CERT|TLS|SSL|UNABLE_TO_/.test(code) ? "tls" : "other"
  }
}
