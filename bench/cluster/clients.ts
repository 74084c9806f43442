/**
 * Clients that keep their connection, as browsers, SDKs and Locust's users do: each has one, sends,
 * waits for the answer, and sends again, and lets go of the connection only when the server says so.
 * Each is a run of one user, so that none can take another one's connection.
 *
 * What came of it is kept in windows of five seconds, each with all its latencies.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { Histogram } from "../../src/core/histogram.ts"
import { resolveLoad } from "../../src/load/config.ts"
import { Run } from "../../src/load/run.ts"
import { scenario, type Wait } from "../../src/load/scenario/scenario.ts"

export interface ClientOptions {
  readonly url: string
  readonly clients: number
  /** Each of these with every request, one after the other. */
  readonly body: () => unknown
  /** @default none: the next request follows at once */
  readonly wait?: Wait
  /** Called at the end of each window. */
  readonly onWindow?: (window: Window) => void
}

/** What was answered, or failed, in five seconds. */
export interface Window {
  /** Its end, in milliseconds since 1970. */
  readonly endMs: number
  readonly seconds: number
  readonly requests: number
  readonly failures: number
  readonly latency: Histogram
}

/** A request that was not answered as it should be. */
export interface Failed {
  readonly endedMs: number
  readonly error: string
}

export const windowMs = 5000
/** One after the other within so many seconds, or they would all come to the same replica at once. */
const startedWithinMs = 5000
/** The tutorial's stack takes up to ten seconds for an answer; at the end, it is waited for. */
const graceMs = 30_000

export class Clients implements AsyncDisposable {
  readonly windows: Window[] = []
  readonly failures: Failed[] = []
  readonly #options: ClientOptions
  readonly #runs: Run[] = []
  readonly #closing: NodeJS.Timeout
  readonly #starting: Promise<void>
  #requests = 0
  #latency = new Histogram()
  #windowAtMs = Date.now()
  #failuresBefore = 0
  #isOver = false

  private constructor(options: ClientOptions) {
    this.#options = options
    this.#closing = setInterval(() => this.#close(), windowMs)
    this.#starting = this.#start()
  }

  static start(options: ClientOptions): Clients {
    return new Clients(options)
  }

  get requests(): number {
    return this.windows.reduce((sum, { requests }) => sum + requests, this.#requests)
  }

  /** Of all windows that ended after then. */
  since(ms: number): Window {
    const latency = new Histogram()
    const late = this.windows.filter(({ endMs }) => endMs > ms)
    for (const window of late) latency.merge(window.latency)
    const sum = (key: "seconds" | "requests" | "failures") =>
      late.reduce((total, window) => total + window[key], 0)
    return {
      endMs: late.at(-1)?.endMs ?? ms,
      seconds: sum("seconds"),
      requests: sum("requests"),
      failures: sum("failures"),
      latency,
    }
  }

  /** Resolves when what was under way has been answered. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#starting
    await Promise.all(this.#runs.map((run) => run.stop()))
    clearInterval(this.#closing)
    if (this.#requests > 0) this.#close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #start(): Promise<void> {
    const { url, clients, body, wait = { constantMs: 0 } } = this.#options
    const plan = resolveLoad({
      target: url,
      users: 1,
      workers: 1,
      // It is the server's to end a connection.
      connectionAgeMs: 0,
      connectionRequestsMax: 0,
    })
    const hello = scenario({
      name: "hello",
      wait,
      tasks: {
        hello: async ({ post }) => {
          const begunMs = performance.now()
          const { failure } = await post("/api/v1/hello", { json: body(), discardBody: true })
          this.#take(performance.now() - begunMs, failure)
        },
      },
    })
    for (let i = 0; i < clients && !this.#isOver; i++) {
      this.#runs.push(new Run(plan, { scenario: hello, graceMs }))
      await sleep(startedWithinMs / clients)
    }
  }

  #take(latencyMs: number, failure: string | undefined): void {
    this.#requests += 1
    this.#latency.add(latencyMs)
    if (failure !== undefined) {
      this.failures.push({ endedMs: Date.now(), error: failure })
    }
  }

  #close(): void {
    const endMs = Date.now()
    const window: Window = {
      endMs,
      seconds: (endMs - this.#windowAtMs) / 1000,
      requests: this.#requests,
      failures: this.failures.length - this.#failuresBefore,
      latency: this.#latency,
    }
    this.windows.push(window)
    this.#windowAtMs = endMs
    this.#requests = 0
    this.#latency = new Histogram()
    this.#failuresBefore = this.failures.length
    this.#options.onWindow?.(window)
  }
}

/** What went wrong, and how often: `12 × connection refused`. */
export function inWords(failures: readonly Failed[]): string {
  const counts = new Map<string, number>()
  for (const { error } of failures) counts.set(error, (counts.get(error) ?? 0) + 1)
  return Array.from(counts, ([error, count]) => `${count} × ${error}`).join(", ") || "nothing"
}
