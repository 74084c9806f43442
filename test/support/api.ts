/**
 * The API port on its own, with a computing side that runs operations in this thread and can be told
 * what to answer. What HTTP does with an outcome can be seen without a worker that makes it.
 */
import type { AddressInfo } from "node:net"
import { Writable } from "node:stream"
import type { FastifyInstance } from "fastify"
import { pino } from "pino"
import { type Dispatcher, Pool } from "undici"
import { makeItem, makeReply, outcomeOfThrown } from "../../src/service/answer.ts"
import { type ApiDeps, createApi } from "../../src/service/http/api.ts"
import type { RequestRecord } from "../../src/service/http/record.ts"
import type { Operation, RawInput } from "../../src/service/operation.ts"
import {
  type Arrival,
  type Call,
  type Compute,
  type Outcome,
  type Shed,
  type Ticket,
  timeAllowedMs,
} from "../../src/service/outcome.ts"
import { Readers } from "../../src/service/pool/reading.ts"
import { service } from "../../src/service/service.ts"
import { resolveSettings, type Settings } from "../../src/service/settings.ts"
import { patienceMs } from "./patience.ts"

class StubCompute implements Compute {
  /** What `arrive` answers. */
  shed: Shed | undefined
  /** Takes the place of running the operation. */
  outcome: ((call: Call) => Outcome | Promise<Outcome>) | undefined
  held = 0
  heldMost = 0
  readonly arrivals: Arrival[] = []
  readonly calls: Call[] = []
  cancels = 0
  pulled = 0

  readonly bytesHeld = {
    add: (bytes: number): void => {
      this.held += bytes
      this.heldMost = Math.max(this.heldMost, this.held)
    },
    remove: (bytes: number): void => {
      this.held -= bytes
    },
  }

  arrive(arrival: Arrival): Shed | undefined {
    this.arrivals.push(arrival)
    return this.shed
  }

  run(call: Call): Ticket {
    this.calls.push(call)
    const { promise: cancelled, resolve: cancel } = Promise.withResolvers<Outcome>()
    const controller = new AbortController()
    const work = this.outcome
      ? Promise.resolve(this.outcome(call))
      : runHere(call, controller.signal)
    return {
      outcome: Promise.race([work, cancelled]),
      cancel: () => {
        this.cancels += 1
        controller.abort()
        cancel({ kind: "cancelled", where: "running" })
      },
      pull: (count) => {
        this.pulled += count
      },
    }
  }
}

async function runHere(call: Call, signal: AbortSignal): Promise<Outcome> {
  const { name, operation, received, requestId, encoding } = call
  const nothing = (): void => {}
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
  const context = { signal, log, requestId, deadlineAtMs: 0, state: undefined }
  try {
    // As a worker does.
    const reading =
      received &&
      (await new Readers().read(
        name,
        operation,
        structuredClone(received),
        { timeAllowedMs: call.input === undefined ? timeAllowedMs(call) : undefined },
        () => Number.POSITIVE_INFINITY,
      ))
    if (reading !== undefined && "refused" in reading) return reading.refused
    const input = (reading ?? call).input as RawInput
    const returned = operation.run(input, context)
    if (!operation.streams) {
      return { kind: "done", reply: await makeReply(operation, await returned, encoding) }
    }
    for await (const item of returned as AsyncIterable<unknown>) {
      call.onItem?.(await makeItem(operation, item))
    }
    return { kind: "done", reply: { kind: "empty" } }
  } catch (thrown) {
    return outcomeOfThrown(thrown)
  }
}

export interface ApiTrial extends AsyncDisposable {
  readonly app: FastifyInstance
  readonly compute: StubCompute
  readonly port: number
  readonly url: string
  readonly records: RequestRecord[]
  /** Lines of the log, as JSON. */
  readonly logged: Record<string, unknown>[]
  draining: boolean
  call(method: Dispatcher.HttpMethod, path: string, more?: CallOptions): Promise<Answer>
  /** Resolves when as many requests are over. */
  untilRecords(count: number): Promise<readonly RequestRecord[]>
}

interface CallOptions {
  readonly json?: unknown
  readonly body?: Dispatcher.DispatchOptions["body"]
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly bytes: Buffer
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  readonly json: any
}

export async function serveApi(
  operations: Readonly<Record<string, Operation>>,
  settings: Settings = {},
  more: Pick<ApiDeps, "now" | "cores" | "attention"> = {},
): Promise<ApiTrial> {
  const patientMs = Math.min(patienceMs(), 600_000)
  const timeouts = {
    headersTimeoutMs: patientMs,
    requestTimeoutMs: patientMs,
    keepAliveTimeoutMs: patientMs,
  }
  const compute = new StubCompute()
  const records: RequestRecord[] = []
  const logged: Record<string, unknown>[] = []
  const waiting = new Set<() => void>()
  const log = pino(
    { level: "debug", base: null },
    new Writable({
      write(line, _encoding, done) {
        logged.push(JSON.parse(line))
        done()
      },
    }),
  )
  const app = await createApi({
    service: service({ title: "Trial", version: "1.0.0", operations }),
    settings: resolveSettings({ options: { docs: "off", ...timeouts, ...settings } }),
    compute,
    log,
    isDraining: () => trial.draining,
    observe(record) {
      records.push(record)
      for (const look of waiting) look()
    },
    ...more,
  })
  await app.listen({ host: "127.0.0.1", port: 0 })
  const { port } = app.server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const pool = new Pool(url, { headersTimeout: 0, bodyTimeout: 0 })
  const trial: ApiTrial = {
    app,
    compute,
    port,
    url,
    records,
    logged,
    draining: false,
    async call(method, path, { json, body, headers = {}, signal } = {}) {
      const response = await pool.request({
        method,
        path,
        headers: json === undefined ? headers : { "content-type": "application/json", ...headers },
        body: json === undefined ? (body ?? null) : JSON.stringify(json),
        ...(signal === undefined ? {} : { signal }),
      })
      const bytes = Buffer.from(await response.body.arrayBuffer())
      const isJson = /^application\/(problem\+)?json/.test(`${response.headers["content-type"]}`)
      const isPlain = response.headers["content-encoding"] === undefined
      return {
        status: response.statusCode,
        headers: response.headers,
        bytes,
        text: bytes.toString(),
        json: isJson && isPlain && bytes.length > 0 ? JSON.parse(bytes.toString()) : undefined,
      }
    },
    async untilRecords(count) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = (): void => {
        if (records.length >= count) resolve()
      }
      waiting.add(look)
      look()
      await promise
      waiting.delete(look)
      return records
    },
    async [Symbol.asyncDispose]() {
      await pool.destroy()
      app.server.closeAllConnections()
      await app.close()
    },
  }
  return trial
}
