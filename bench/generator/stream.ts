/**
 * One load on one target: sends by its schedule, gives up after its time, counts what came back.
 *
 * Each request has a connection to itself while it runs (no pipelining), as browsers and proxies do.
 * Who gives up before the connection stands never sends; who gives up later destroys it.
 */
import { type Dispatcher, Pool } from "undici"
import type { Stream, StreamReport } from "./plan.ts"
import { Tally } from "./tally.ts"

/** More connections than an open loop ever needs: what waits here would not be the target's doing. */
const connectionsMax = 16_384

/** On the clock of `performance.now()`. */
export interface Times {
  /** When the load starts. */
  readonly startMs: number
  /** When measuring begins, and when it and the sending end. */
  readonly beginMs: number
  readonly endMs: number
}

export class RunningStream {
  readonly #stream: Stream
  readonly #times: Times
  readonly #tally: Tally
  readonly #pool: Pool
  readonly #gapMs: () => number
  /** When the next request of an open loop is meant to be sent. */
  #nextMs: number
  #bodies = 0
  #outstanding = 0
  #stopped = false
  #whenIdle: (() => void) | undefined

  constructor(stream: Stream, times: Times, random: () => number) {
    const { arrivals, origin, timeoutMs } = stream
    this.#stream = stream
    this.#times = times
    this.#gapMs = gaps(arrivals, random)
    // In the middle of its gap, so that no constant arrival falls on the edge of the measured time.
    this.#nextMs = times.startMs + this.#gapMs() / (arrivals.kind === "constant" ? 2 : 1)
    this.#tally = new Tally(times.beginMs, times.endMs, arrivals.kind === "closed")
    this.#pool = new Pool(origin, {
      connections: arrivals.kind === "closed" ? arrivals.connections : connectionsMax,
      pipelining: 1,
      connectTimeout: timeoutMs,
      headersTimeout: 0,
      bodyTimeout: 0,
    })
    this.#pool.on("connect", () => this.#tally.connected(performance.now()))
  }

  start(): void {
    const { arrivals } = this.#stream
    if (arrivals.kind === "closed") {
      for (let i = 0; i < arrivals.connections; i++) this.#send(performance.now())
    } else {
      this.#keepSchedule()
    }
  }

  /** Sends no more, and waits for what an open loop still has out: its clients' patience bounds it. */
  async finish(): Promise<StreamReport> {
    if (this.#stream.arrivals.kind !== "closed") {
      // However late this process is: all that was to be sent in the measured time counts.
      this.#sendDue(this.#times.endMs)
      if (this.#outstanding > 0) {
        await new Promise<void>((resolve) => {
          this.#whenIdle = resolve
        })
      }
    }
    this.#stopped = true
    const report = this.#tally.report()
    await this.#pool.destroy()
    return report
  }

  #keepSchedule(): void {
    this.#sendDue(performance.now())
    if (this.#nextMs >= this.#times.endMs) return
    setTimeout(() => this.#keepSchedule(), Math.max(0, this.#nextMs - performance.now()))
  }

  #sendDue(nowMs: number): void {
    while (this.#nextMs <= nowMs && this.#nextMs < this.#times.endMs) {
      this.#send(this.#nextMs)
      this.#nextMs += this.#gapMs()
    }
  }

  #send(intendedAtMs: number): void {
    const { method, path, bodies, timeoutMs, freshConnections = false } = this.#stream
    this.#outstanding++
    const exchange = new Exchange((outcome) => {
      clearTimeout(timer)
      this.#ended(outcome, intendedAtMs)
    })
    const timer = setTimeout(
      () => exchange.giveUp(),
      Math.max(1, intendedAtMs + timeoutMs - performance.now()),
    )
    const body = bodies?.[this.#bodies++ % bodies.length]
    this.#tally.sent(intendedAtMs, performance.now())
    this.#pool.dispatch(
      {
        method,
        path,
        reset: freshConnections,
        ...(body && { body, headers: { "content-type": "application/json" } }),
      },
      exchange,
    )
  }

  #ended(outcome: string, intendedAtMs: number): void {
    const nowMs = performance.now()
    this.#outstanding--
    this.#tally.ended(outcome, intendedAtMs, nowMs)
    if (this.#stream.arrivals.kind === "closed" && !this.#stopped) {
      // A target that refuses at once must not spin this loop, nor overflow its stack.
      if (/^\d/.test(outcome)) this.#send(nowMs)
      else setTimeout(() => !this.#stopped && this.#send(performance.now()), 10)
    }
    if (this.#outstanding === 0) this.#whenIdle?.()
  }
}

function gaps(arrivals: Stream["arrivals"], random: () => number): () => number {
  if (arrivals.kind === "closed") return () => 0
  const meanMs = 1000 / arrivals.ratePerSecond
  return arrivals.kind === "constant" ? () => meanMs : () => -Math.log(1 - random()) * meanMs
}

/** One request from dispatch to its one outcome. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #end: (outcome: string) => void
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #ended = false

  constructor(end: (outcome: string) => void) {
    this.#end = end
  }

  giveUp(): void {
    if (this.#ended) return
    this.#finish("timeout")
    this.#controller?.abort(new Error("The client gave up."))
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#ended) controller.abort(new Error("The client gave up before it was connected."))
    else this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status
  }

  onResponseData(): void {}

  onResponseEnd(): void {
    this.#finish(String(this.#status))
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#finish((error as NodeJS.ErrnoException).code ?? error.name)
  }

  #finish(outcome: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#end(outcome)
  }
}
