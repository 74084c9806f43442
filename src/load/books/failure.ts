/**
 * Failures, as data. Each is told apart by what was asked and what went wrong, counted, and kept
 * with the time it was first and last seen and one example. Their number is bounded: what comes
 * after that is counted under one name, and never lost.
 */
import { type Sighting, Sightings, seenOnce } from "./sightings.ts"

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

export interface FailureRow extends Failure, Sighting {
  readonly method: string
  readonly name: string
}

export const failureRowsMax = 200

export class Failures extends Sightings<FailureRow> {
  constructor() {
    super({
      keyOf: ({ method, name, error }) => `${method}\n${name}\n${error}`,
      rowsMax: failureRowsMax,
      others: (row) => {
        const error = `one of more than ${failureRowsMax} kinds of failure`
        return { ...row, method: "", name: "(others)", kind: "other", error }
      },
    })
  }

  add(method: string, name: string, failure: Failure, nowMs: number): void {
    this.merge({ method, name, ...failure, ...seenOnce(nowMs) })
  }
}

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
