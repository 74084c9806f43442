/**
 * Sends requests for users, over the run's connections: again where a connection was closed before
 * anything reached anyone, on where a redirect leads, and then tells what came of it.
 */
import type { Clock } from "../../core/clock.ts"
import type { Random } from "../../core/random.ts"
import { connectionFailure, isUnconnected } from "../books/failure.ts"
import type { Log } from "../books/log.ts"
import type { Plan } from "../config.ts"
import type { Answer, RequestOptions } from "../scenario/scenario.ts"
import type { RunUser } from "../scenario/user.ts"
import { failureOf, RunAnswer } from "./answer.ts"
import { Chain } from "./chain.ts"
import { connector } from "./connect.ts"
import { Connections } from "./connections.ts"
import { Exchange } from "./exchange.ts"
import { isIdempotent, type MessageBase, messageBase, messageOf, readdressed } from "./message.ts"
import { followed, redirectsMaxDefault } from "./redirect.ts"

export class Sender {
  readonly #clock: Clock
  readonly #log: Log
  readonly #origin: URL
  readonly #base: MessageBase
  readonly #connections: Connections
  /** In the order of sending. */
  readonly #inFlight = new Chain<Exchange>()
  /** Over on their connections, and not dealt with yet. */
  #ended: Exchange[] = []

  constructor(plan: Plan, clock: Clock, random: Random, log: Log) {
    this.#clock = clock
    this.#log = log
    this.#origin = plan.target
    this.#base = messageBase(plan)
    const bounds = { ageMsMax: plan.connectionAgeMs, requestsMax: plan.connectionRequestsMax }
    const { target, insecure } = plan
    const opened = log.opened.bind(log)
    const connect = connector(target, { clock, insecure, opened })
    this.#connections = new Connections(connect, bounds, clock, random)
  }

  /** Requests that wait for their answers. */
  get waiting(): number {
    return this.#inFlight.size
  }

  /** Resolves whatever happens. @throws {TypeError} when the path does not begin with a slash. */
  send(user: RunUser, method: string, path: string, options: RequestOptions): Promise<Answer> {
    return new Promise((resolve) => {
      const cookie = user.cookieFor(this.#base.prefix + path)
      const message = messageOf(this.#base, method, path, options, cookie)
      const nowMs = this.#clock()
      // Only the first request of an arrival was due at a time; the next ones follow from its answer.
      const dueAtMs = user.dueAtMs ?? nowMs
      if (user.dueAtMs !== undefined) {
        user.dueAtMs = undefined
        this.#log.late(nowMs - dueAtMs)
      }
      const exchange = new Exchange(
        { user, method, name: options.name ?? path, options, dueAtMs, sentAtMs: nowMs, resolve },
        this.#clock,
        this.#over,
      )
      this.#inFlight.add(exchange)
      exchange.send(this.#connections.take(), message)
    })
  }

  /** Ends what was due before then, with an error each. The oldest come first. */
  cutOff(dueBeforeMs: number, error: () => Error): void {
    // They leave the chain a moment later, when they are dealt with.
    for (
      let exchange = this.#inFlight.first;
      exchange !== undefined && exchange.dueAtMs <= dueBeforeMs;
      exchange = exchange.after
    ) {
      exchange.abort(error())
    }
  }

  /** Resolves when no socket is left. */
  async close(): Promise<void> {
    await this.#connections.destroy()
  }

  /**
   * The connection is still in the middle of telling, so it is dealt with a moment later, all that
   * one turn of the event loop brought together.
   */
  readonly #over = (exchange: Exchange): void => {
    if (this.#ended.push(exchange) > 1) return
    queueMicrotask(() => {
      const ended = this.#ended
      this.#ended = []
      for (const exchange of ended) this.#dealWith(exchange)
    })
  }

  #dealWith(exchange: Exchange): void {
    const { user, error, status } = exchange
    this.#connections.give(exchange.connection)
    if (error !== undefined) {
      if (this.#isUnheard(exchange, error)) {
        this.#sendAgain(exchange)
        return
      }
    } else {
      if (exchange.setsCookies) {
        user.jar.take(exchange.headers["set-cookie"] ?? [], exchange.message.path)
      }
      if (status >= 300 && status < 400 && this.#sendOn(exchange)) return
    }
    const answer = new RunAnswer(exchange)
    const failure = failureOf(exchange, answer)
    if (failure !== undefined) answer.failure = failure.error
    user.isUnconnected = failure !== undefined && isUnconnected(failure.kind)
    this.#inFlight.delete(exchange)
    this.#log.entered(exchange, failure)
    exchange.resolve(answer)
  }

  /**
   * A server may close a connection that it has kept, just when the next request is on its way. It
   * is no failure of the target's: what may be sent twice is sent again, as browsers do, once and on
   * a new connection. Its latency counts from the first time.
   */
  #isUnheard(exchange: Exchange, error: Error): boolean {
    const { connection, firstByteAtMs, writtenAtMs, wasResent, message } = exchange
    return (
      connection.isUsed &&
      !wasResent &&
      firstByteAtMs === 0 &&
      (writtenAtMs === 0 || isIdempotent(message.method)) &&
      connectionFailure(error).kind === "reset"
    )
  }

  #sendAgain(exchange: Exchange): void {
    exchange.wasResent = true
    this.#log.resent += 1
    exchange.send(this.#connections.open(), exchange.message)
  }

  /** Whether it was sent on. */
  #sendOn(exchange: Exchange): boolean {
    const { status, message, options, user } = exchange
    const location = exchange.headers.location as string | undefined
    const trail = [...(exchange.trail ?? []), message.path]
    const { redirectsMax = redirectsMaxDefault } = options
    const next = followed(this.#origin, { status, location, message, trail }, redirectsMax)
    if (next === undefined) return false
    if ("failure" in next) {
      exchange.failure = next.failure
      return false
    }
    exchange.trail = trail
    const cookie = user.cookieFor(next.message.path)
    const { cookie: _old, ...headers } = next.message.headers
    const cookies = cookie === undefined ? {} : { cookie }
    const onward = { ...next.message, headers: { ...cookies, ...headers } }
    exchange.send(this.#connections.take(), readdressed(this.#base, onward))
    return true
  }
}
