/** A simulated user: what a task gets, and how its wishes become requests and answers. */
import type { Random } from "../core/random.ts"
import type { Plan } from "./config.ts"
import type { Exchange, Message } from "./exchange.ts"
import { connectionFailure, type Failure, type FailureKind } from "./failure.ts"
import type { Answer, RequestOptions, User } from "./scenario.ts"

/** Thrown into a task that sends after its run has ended: it ends, and nobody hears of it. */
export class StoppedError extends Error {
  override readonly name = "StoppedError"
}

/** Why we cut a request off ourselves. */
export class CutOffError extends Error {
  override readonly name = "CutOffError"
  readonly kind: FailureKind

  constructor(kind: FailureKind, message: string) {
    super(message)
    this.kind = kind
  }
}

type SendFor = (
  user: RunUser,
  method: string,
  path: string,
  options: RequestOptions,
) => Promise<Answer>

export class RunUser implements User {
  readonly number: number
  readonly random: Random
  readonly #send: SendFor
  /** It ends after its task. */
  leaving = false
  requests = 0
  #dueMs: number | undefined

  constructor(send: SendFor, number: number, random: Random, dueMs: number | undefined) {
    this.#send = send
    this.number = number
    this.random = random
    this.#dueMs = dueMs
  }

  request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    this.requests += 1
    return this.#send(this, method, path, options)
  }

  /** When the next request was to be sent, told once. */
  takeDueMs(): number | undefined {
    const dueMs = this.#dueMs
    this.#dueMs = undefined
    return dueMs
  }

  // Fields, so that a task can take them apart: `({ get, post }) => …`.
  readonly get = this.#method("GET")
  readonly post = this.#method("POST")
  readonly put = this.#method("PUT")
  readonly patch = this.#method("PATCH")
  readonly delete = this.#method("DELETE")

  #method(method: string) {
    return (path: string, options?: RequestOptions) => this.request(method, path, options)
  }
}

export function messageOf(
  plan: Plan,
  method: string,
  path: string,
  { query = {}, headers = {}, json, body }: RequestOptions,
): Message {
  const isJson = json !== undefined
  const pairs = Object.entries(query)
  const search =
    pairs.length === 0
      ? ""
      : `${path.includes("?") ? "&" : "?"}${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)]))}`
  return {
    method,
    path: plan.target.pathname.replace(/\/$/, "") + path + search,
    headers: {
      "user-agent": "capstan-load",
      ...(isJson ? { "content-type": "application/json" } : {}),
      ...plan.headers,
      ...headers,
    },
    body: isJson ? JSON.stringify(json) : body,
  }
}

/** What came back, and what was wrong with it. */
export function answerOf(
  exchange: Exchange,
  checks: RequestOptions["checks"],
): { readonly answer: Answer; readonly failure: Failure | undefined } {
  const { status, headers, error } = exchange
  let text: string | undefined
  const answer = (failure: string | undefined): Answer => ({
    ok: failure === undefined,
    status: error === undefined ? status : 0,
    headers,
    failure,
    get text() {
      text ??= exchange.body.toString("utf8")
      return text
    },
    json() {
      return JSON.parse(this.text)
    },
  })
  const failure = error === undefined ? badAnswer(exchange, answer(undefined), checks) : cut(error)
  return { answer: answer(failure?.error), failure }
}

function cut(error: Error): Failure {
  if (!(error instanceof CutOffError)) return connectionFailure(error)
  return { kind: error.kind, error: error.message, example: "" }
}

function badAnswer(
  { status, statusText, body }: Exchange,
  answer: Answer,
  checks: RequestOptions["checks"],
): Failure | undefined {
  const excerpt = (): string => body.toString("utf8").slice(0, 500)
  if (checks === undefined) {
    if (status < 400) return undefined
    return { kind: "status", error: `${status} ${statusText}`.trim(), example: excerpt() }
  }
  for (const [name, holds] of Object.entries(checks)) {
    try {
      if (holds(answer)) continue
    } catch (error) {
      return { kind: "check", error: `check: ${name}`, example: `${error}\n${excerpt()}`.trim() }
    }
    return { kind: "check", error: `check: ${name}`, example: `${status}\n${excerpt()}`.trim() }
  }
  return undefined
}

/** What a task itself threw. */
export function threwFailure(error: unknown): Failure {
  const isError = error instanceof Error
  const message = isError ? `${error.name}: ${error.message}` : String(error)
  return {
    kind: "threw",
    error: `the task threw ${message.slice(0, 200)}`,
    example: (isError && error.stack) || message,
  }
}
