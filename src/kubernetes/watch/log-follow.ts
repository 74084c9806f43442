/**
 * The logs of a deployment's pods as they are written, each line with its pod. A stream that ends is
 * taken up again where it ended as long as its pod is there; the names of the pods are brought by
 * who looks at the cluster anyway.
 */
import type { ClientRequest, IncomingMessage } from "node:http"
import { http } from "../../core/http/builtin.ts"
import { https } from "../../core/http/secure.ts"
import { LineSplitter } from "../../core/line-splitter.ts"
import type { Api } from "../cluster/api.ts"
import { collection } from "../cluster/resources.ts"
import type { Pod } from "../kinds.ts"
import type { Subject } from "./look.ts"

export interface LogLine {
  readonly atMs: number
  readonly pod: string
  readonly text: string
}

/** Each is a connection to the API server, and from there to a node. The first so many are followed. */
const podsMax = 30
const againMs = 2_000
/** Of pods that were there when the watch began, for what they were about. */
const linesBefore = 5

export class LogFollow {
  readonly #api: Api
  readonly #subject: Subject
  readonly #told: (line: LogLine) => void
  readonly #streams = new Map<string, Stream>()

  #isFirst = true

  constructor(api: Api, subject: Subject, told: (line: LogLine) => void) {
    this.#api = api
    this.#subject = subject
    this.#told = told
  }

  /** These are there now; those that were and are not among them have gone. */
  take(pods: readonly Pod[]): void {
    const names = new Set(pods.map(({ metadata }) => metadata?.name))
    for (const [name, stream] of this.#streams) {
      if (names.has(name)) continue
      stream.end()
      this.#streams.delete(name)
    }
    const query = this.#isFirst ? { tailLines: `${linesBefore}` } : {}
    this.#isFirst = false
    for (const { metadata, spec } of pods) {
      if (this.#streams.size >= podsMax) return
      const name = metadata?.name ?? ""
      if (this.#streams.has(name)) continue
      const path = `${collection("v1", "pods", this.#subject.namespace)}/${name}/log`
      const container = spec?.containers[0]?.name ?? ""
      const stream = new Stream(this.#api, path, { container, ...query }, (atMs, text) =>
        this.#told({ atMs, pod: name, text }),
      )
      this.#streams.set(name, stream)
    }
  }

  close(): void {
    this.take([])
  }
}

class Stream {
  readonly #api: Api
  readonly #path: string
  readonly #query: Readonly<Record<string, string>>
  readonly #told: (atMs: number, text: string) => void
  #isOver = false
  #request: ClientRequest | undefined
  #again: NodeJS.Timeout | undefined
  /** The time of the last line, as it is written there: to the nanosecond, in one width. */
  #last = ""

  constructor(
    api: Api,
    path: string,
    query: Readonly<Record<string, string>>,
    told: (atMs: number, text: string) => void,
  ) {
    this.#api = api
    this.#path = path
    this.#query = query
    this.#told = told
    void this.#open()
  }

  end(): void {
    this.#isOver = true
    clearTimeout(this.#again)
    this.#request?.destroy()
  }

  async #open(): Promise<void> {
    try {
      await this.#follow()
    } catch {
      // It is starting still, its container is being restarted, or the API is away: tried again.
    }
    if (!this.#isOver) this.#again = setTimeout(() => void this.#open(), againMs)
  }

  /** Until the stream ends. */
  async #follow(): Promise<void> {
    const { url, login } = await this.#api.door(this.#path)
    if (this.#isOver) return
    const last = this.#last
    // To resume, whole seconds are asked for, and what has been told of them is passed over.
    const from = last === "" ? this.#query : { ...this.#query, ...resumption(last) }
    const query = { ...from, follow: "true", timestamps: "true" }
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const request = url.protocol === "http:" ? http.request : https.request
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    this.#request = request(url, { agent: login.agent, headers: { ...login.headers } }, resolve)
    this.#request.on("error", reject)
    this.#request.end()
    const answer = await promise
    if (answer.statusCode !== 200) {
      answer.resume()
      return
    }
    const lines = new LineSplitter((line) => this.#take(line, last))
    answer.setEncoding("utf8")
    for await (const piece of answer) lines.add(piece)
    lines.end()
  }

  #take(line: string, last: string): void {
    const gap = line.indexOf(" ")
    const time = line.slice(0, Math.max(0, gap))
    const atMs = Date.parse(time)
    if (Number.isNaN(atMs) || time <= last || this.#isOver) return
    this.#last = time
    this.#told(atMs, line.slice(gap + 1))
  }
}

function resumption(last: string): Readonly<Record<string, string>> {
  return {
    tailLines: "1000",
    sinceTime: `${new Date(Date.parse(last)).toISOString().slice(0, 19)}Z`,
  }
}
