/** What a task gets back for a request, and what was wrong with it. */

import { connectionFailure, type Failure, type FailureKind } from "../books/failure.ts"
import type { Answer, RequestOptions } from "../scenario/scenario.ts"
import type { Exchange } from "./exchange.ts"

/** Why we cut a request off ourselves. */
export class CutOffError extends Error {
  override readonly name = "CutOffError"
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string) {
    super(message)
    this.kind = kind
  }
}

export class RunAnswer implements Answer {
  /** In words; undefined when nothing failed. */
  failure: string | undefined
  readonly #exchange: Exchange
  #text: string | undefined

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  get ok(): boolean {
    return this.failure === undefined
  }

  get status(): number {
    return this.#exchange.error === undefined ? this.#exchange.status : 0
  }

  get headers(): Answer["headers"] {
    return this.#exchange.headers
  }

  get redirects(): number {
    return this.#exchange.trail?.length ?? 0
  }

  get body(): Uint8Array {
    return this.#exchange.body
  }

  get text(): string {
    this.#text ??= this.#exchange.body.toString("utf8")
    return this.#text
  }

  json(): ReturnType<Answer["json"]> {
    return JSON.parse(this.text)
  }
}

/** What was wrong, if anything was. */
export function failureOf(exchange: Exchange, answer: Answer): Failure | undefined {
  const { error, failure, status, options } = exchange
  if (error !== undefined) return cut(error)
  if (failure !== undefined) return failure
  if (options.checks !== undefined) return checkFailure(exchange, answer, options.checks)
  if (status < 400) return undefined
  const { statusText } = exchange
  return { kind: "status", error: `${status} ${statusText}`.trim(), example: excerpt(exchange) }
}

function cut(error: Error): Failure {
  if (!(error instanceof CutOffError)) return connectionFailure(error)
  return { kind: error.kind, error: error.message, example: "" }
}

function checkFailure(
  exchange: Exchange,
  answer: Answer,
  checks: NonNullable<RequestOptions["checks"]>,
): Failure | undefined {
  for (const [name, holds] of Object.entries(checks)) {
    let seen: string
    try {
      if (holds(answer)) continue
      seen = String(exchange.status)
    } catch (error) {
      seen = String(error)
    }
    const example = `${seen}\n${excerpt(exchange)}`.trim()
    return { kind: "check", error: `check: ${name}`, example }
  }
  return undefined
}

function excerpt({ body }: Exchange): string {
  return body.subarray(0, 500).toString("utf8")
}
