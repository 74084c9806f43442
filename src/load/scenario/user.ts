/** A simulated user: what a task gets, and what it remembers from one request to the next. */
import type { Random } from "../../core/random.ts"
import { Cookies } from "../client/cookies.ts"
import type { Rows } from "./data.ts"
import type { Answer, CookieJar, RequestOptions, User } from "./scenario.ts"

/** Thrown into a task that goes on after its run has ended: it ends, and nobody hears of it. */
export class StoppedError extends Error {
  override readonly name = "StoppedError"
}

/** What users need of whoever runs them. */
export interface Host {
  readonly random: Random
  /** Of the target. */
  readonly origin: URL
  send(user: RunUser, method: string, path: string, options: RequestOptions): Promise<Answer>
  sleep(ms: number): Promise<void>
  nextRow<Row>(user: RunUser, rows: Rows<Row>): Row
}

const noOptions: RequestOptions = {}

export class RunUser implements User {
  readonly number: number
  readonly #host: Host
  /** It ends after its task. */
  isLeaving = false
  /** It may still send when the run has ended. */
  isTearingDown = false
  /** Its last request reached nobody. */
  isUnconnected = false
  requests = 0
  /** When its next request is to be sent; the first one's only, of an arrival. */
  dueAtMs: number | undefined
  #cookies: Cookies | undefined
  #get: User["get"] | undefined
  #post: User["post"] | undefined

  constructor(host: Host, number: number, dueAtMs: number | undefined) {
    this.#host = host
    this.number = number
    this.dueAtMs = dueAtMs
  }

  get random(): Random {
    return this.#host.random
  }

  get cookies(): CookieJar {
    return this.jar
  }

  get jar(): Cookies {
    this.#cookies ??= new Cookies(this.#host.origin)
    return this.#cookies
  }

  /** Its `cookie` header for this path. */
  cookieFor(path: string): string | undefined {
    return this.#cookies?.header(path)
  }

  // Functions of their own, so that a task can take them apart: `({ get, post }) => …`. Made when
  // they are asked for first, because in the open model every arrival is a user.
  get request() {
    return (method: string, path: string, options?: RequestOptions): Promise<Answer> =>
      this.#send(method, path, options)
  }

  get get() {
    this.#get ??= this.#method("GET")
    return this.#get
  }

  get head() {
    return this.#method("HEAD")
  }

  get post() {
    this.#post ??= this.#method("POST")
    return this.#post
  }

  get put() {
    return this.#method("PUT")
  }

  get patch() {
    return this.#method("PATCH")
  }

  get delete() {
    return this.#method("DELETE")
  }

  get next() {
    return <Row>(rows: Rows<Row>): Row => this.#host.nextRow(this, rows)
  }

  get sleep() {
    return (ms: number): Promise<void> => this.#host.sleep(ms)
  }

  #method(method: string): User["get"] {
    return (path, options) => this.#send(method, path, options)
  }

  #send(method: string, path: string, options: RequestOptions = noOptions): Promise<Answer> {
    this.requests += 1
    return this.#host.send(this, method, path, options)
  }
}
