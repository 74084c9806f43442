/** A real server on free ports, with a client that keeps its connections. */
import { type ServeOptions, type Server, type Settings, serve } from "capstan"
import { type Dispatcher, Pool } from "undici"
import { patienceMs } from "./patience.ts"

export interface ServedTrial extends AsyncDisposable {
  readonly server: Server
  /** Calls the API. */
  call(
    method: Dispatcher.HttpMethod,
    path: string,
    body?: unknown,
    more?: { readonly headers?: Record<string, string>; readonly signal?: AbortSignal },
  ): Promise<Answer>
  /** Calls the management port. */
  probe(path: string): Promise<Answer>
  /** Looks until `/demand` is as wanted. */
  untilDemand(wanted: (demand: DemandAnswer) => boolean): Promise<DemandAnswer>
  /** Looks until so many workers have booted and are free; the spare one boots with the first call. */
  untilIdle(workers: number): Promise<void>
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  readonly json: any
}

interface DemandAnswer {
  readonly cores: number
  readonly busy: number
  readonly queued: number
  readonly workers: number
}

const trouble = new URL("../fixtures/pool/service.ts", import.meta.url)

/** @param module its default export is the service; a fixture that causes trouble, by default. */
export async function serveTrial(
  settings: Settings = {},
  module: URL = trouble,
  options: Omit<ServeOptions, "settings" | "env"> = {},
): Promise<ServedTrial> {
  const server = await serve(module, {
    ...options,
    settings: {
      host: "127.0.0.1",
      port: 0,
      managementPort: 0,
      workers: 2,
      workerMemoryMiB: 128,
      // Such a worker starts within reason where others want this machine as well.
      workerNice: 0,
      logLevel: "silent",
      ...patientSettings(),
      ...settings,
    },
    env: {},
  })
  const api = new Pool(server.url, { connections: 256, headersTimeout: 0, bodyTimeout: 0 })
  const management = new Pool(server.managementUrl, { headersTimeout: 0, bodyTimeout: 0 })
  const trial: ServedTrial = {
    server,
    call: (method, path, body, more = {}) =>
      request(api, {
        method,
        path,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        headers: {
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...more.headers,
        },
        ...(more.signal === undefined ? {} : { signal: more.signal }),
      }),
    probe: (path) => request(management, { method: "GET", path }),
    async untilDemand(wanted) {
      for (;;) {
        const { json } = await trial.probe("/demand")
        if (wanted(json)) return json
      }
    },
    async untilIdle(workers) {
      const line = `capstan_workers{state="idle"} ${workers}\n`
      while (!(await trial.probe("/metrics")).text.includes(line));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([api.destroy(), management.destroy()])
      await server[Symbol.asyncDispose]()
    },
  }
  return trial
}

async function request(pool: Pool, options: Dispatcher.RequestOptions): Promise<Answer> {
  const response = await pool.request(options)
  const text = await response.body.text()
  const isJson = /json/.test(`${response.headers["content-type"]}`)
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    json:
      isJson && !/ndjson/.test(`${response.headers["content-type"]}`)
        ? JSON.parse(text)
        : undefined,
  }
}

/** Bounds that no test means to meet. */
function patientSettings() {
  const ms = Math.min(patienceMs(), 600_000)
  return {
    setupTimeoutMs: ms,
    deadlineMs: ms,
    drainGraceMs: ms,
    headersTimeoutMs: ms,
    requestTimeoutMs: ms,
    keepAliveTimeoutMs: ms,
  } satisfies Settings
}

/** What this process holds open, by kind. Equal before and after means that nothing leaked. */
export function openResources(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}
