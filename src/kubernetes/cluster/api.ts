/**
 * The Kubernetes API as HTTP: a method, a path, JSON in and out.
 *
 * What is hard about it, the kubeconfig with its certificates, tokens, login plugins and proxies, is
 * the client library's. Its typed calls are not used: they drop fields that are newer than the
 * library, and what we search for on the way down is whatever kinds the cluster has.
 */
import { type IncomingMessage, request as overHttp, type RequestOptions } from "node:http"
import { request as overHttps } from "node:https"
import {
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
} from "@kubernetes/client-node"

/** The API answered, and not with what was asked for. */
export class ApiError extends Error {
  override readonly name = "ApiError"
  readonly status: number
  /** As in `NotFound`, `Forbidden`, `Conflict`. */
  readonly reason: string

  constructor(status: number, reason: string, message: string) {
    super(message)
    this.status = status
    this.reason = reason
  }
}

/** There is no kubeconfig to speak of, or nothing answers where it points. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError"
}

export interface Call {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE"
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly contentType?: string
}

/** Answers are small, except lists, and a cluster that says nothing for so long is as good as gone. */
const patienceMs = 15_000
/** Tokens of login plugins are good for minutes at least. */
const credentialsMsMax = 60_000

export class Api {
  readonly context: string
  /** Of the kubeconfig's context. */
  readonly namespace: string
  readonly server: string
  readonly #config: KubeConfig
  #options: { readonly made: RequestOptions; readonly atMs: number } | undefined

  /** @throws {UnreachableError} when no context is set. */
  constructor() {
    this.#config = new KubeConfig()
    try {
      this.#config.loadFromDefault()
    } catch (cause) {
      throw new UnreachableError(`The kubeconfig can't be read: ${messageOf(cause)}`, { cause })
    }
    const context = this.#config.getContextObject(this.#config.currentContext)
    const cluster = this.#config.getCurrentCluster()
    if (context === null || cluster === null) {
      throw new UnreachableError("The kubeconfig names no current context.")
    }
    // What the library makes up when it has found nothing.
    if (context.name === "loaded-context") {
      throw new UnreachableError(
        "There is no kubeconfig: not where KUBECONFIG points, and not in ~/.kube/config.",
      )
    }
    this.context = context.name
    this.namespace = context.namespace ?? "default"
    this.server = cluster.server
  }

  /**
   * @throws {ApiError} when the answer is not a 2xx.
   * @throws {UnreachableError} when there is none.
   */
  async json<T>(path: string, call: Call = {}): Promise<T> {
    return JSON.parse(await this.text(path, call)) as T
  }

  async text(path: string, call: Call = {}): Promise<string> {
    const { status, text } = await this.#send(path, call)
    if (status >= 200 && status < 300) return text
    throw failure(status, text)
  }

  /** Undefined when there is no such object. */
  async find<T>(path: string): Promise<T | undefined> {
    try {
      return await this.json<T>(path)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    }
  }

  async list<T extends KubernetesObject>(
    path: string,
    query: Readonly<Record<string, string>> = {},
  ): Promise<readonly T[]> {
    const list = await this.json<KubernetesListObject<T>>(path, { query })
    return list.items
  }

  async #send(path: string, call: Call): Promise<{ status: number; text: string }> {
    const { method = "GET", query = {}, body, contentType = "application/json" } = call
    const url = new URL(this.server)
    url.pathname = url.pathname.replace(/\/$/, "") + path
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const request = url.protocol === "http:" ? overHttp : overHttps
    try {
      const credentials = await this.#credentials()
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
      const sent = request(
        url,
        {
          ...credentials,
          method,
          headers: {
            ...credentials.headers,
            accept: "application/json, */*",
            ...(body === undefined ? {} : { "content-type": contentType }),
          },
          timeout: patienceMs,
        },
        resolve,
      )
      sent.on("timeout", () => sent.destroy(new Error(`no answer in ${patienceMs / 1000} s`)))
      sent.on("error", reject)
      sent.end(body === undefined ? undefined : JSON.stringify(body))
      const answer = await promise
      let text = ""
      answer.setEncoding("utf8")
      for await (const chunk of answer) text += chunk
      return { status: answer.statusCode ?? 0, text }
    } catch (cause) {
      const where = `${this.server} (context ${this.context})`
      throw new UnreachableError(`${where} can't be reached: ${messageOf(cause)}.`, { cause })
    }
  }

  async #credentials(): Promise<RequestOptions> {
    const nowMs = performance.now()
    if (this.#options === undefined || nowMs - this.#options.atMs > credentialsMsMax) {
      const made: RequestOptions = {}
      await this.#config.applyToHTTPSOptions(made)
      this.#options = { made, atMs: nowMs }
    }
    return this.#options.made
  }
}

function failure(status: number, text: string): ApiError {
  let said: { readonly reason?: string; readonly message?: string } = {}
  try {
    said = JSON.parse(text)
  } catch {
    // A proxy's page, say.
  }
  return new ApiError(status, said.reason ?? `HTTP ${status}`, said.message ?? text.slice(0, 500))
}

/** Node's own errors of connecting have an empty message when several addresses were tried. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || String((error as NodeJS.ErrnoException).code ?? error.name)
}
