/**
 * The Kubernetes API as HTTP: a method, a path, JSON in and out.
 *
 * There is no client for each kind of object: such clients drop fields that are newer than they are,
 * and what we search for on the way down is whatever kinds the cluster has.
 */
import type { IncomingMessage } from "node:http"
import { text as textOf } from "node:stream/consumers"
import { setTimeout as sleep } from "node:timers/promises"
import { bounded } from "../../core/bounded.ts"
import { http } from "../../core/http/builtin.ts"
import { https } from "../../core/http/secure.ts"
import { type Access, access, isMinikube } from "../access/kubeconfig.ts"
import { type Login, Logins } from "../access/login.ts"
import { UnreachableError } from "../access/unreachable.ts"
import type { KubernetesObject } from "../kinds.ts"

/** The API answered, and not with what was asked for. */
export class ApiError extends Error {
  override readonly name = "ApiError"
  readonly status: number
  /** As in `NotFound`, `Forbidden`, `Conflict`. */
  readonly reason: string
  /** What it consists of, where the API takes it apart. */
  readonly causes: readonly Cause[]

  constructor(status: number, reason: string, message: string, causes: readonly Cause[] = []) {
    super(message)
    this.status = status
    this.reason = reason
    this.causes = causes
  }
}

export interface Cause {
  readonly reason?: string
  readonly message?: string
  readonly field?: string
}

export interface Call {
  readonly method?: "GET" | "POST" | "PATCH" | "DELETE"
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly contentType?: string
  /** Left out: JSON. */
  readonly accept?: string
}

/** Answers are small, except lists, and a cluster that says nothing for so long is as good as gone. */
const patienceMs = 15_000
/** Nor is one that trickles for so long of use, or one that says more than any list of pods has. */
const wholeMsMax = 120_000
const bytesMax = 256 * 2 ** 20
/** Of what it says when it refuses. */
const messageCharsMax = 4_000

/** An API server with too much to do (429) has not looked at the request, and says when to come again. */
const attemptsMax = 5
const retryAfterMsMax = 10_000

/** Clusters on this machine, which take images otherwise than from a registry. */
export type LocalCluster =
  | { readonly kind: "minikube"; readonly profile: string }
  | { readonly kind: "kind"; readonly cluster: string }

export class Api {
  readonly context: string
  /** Of the kubeconfig's context. */
  readonly namespace: string
  readonly server: string
  readonly #access: Access
  readonly #logins: Logins

  /**
   * @param context of the kubeconfig; left out: the current one.
   * @param env where KUBECONFIG and HOME are looked up.
   * @throws {UnreachableError} when there is no such context.
   */
  constructor(context?: string, env: Readonly<Record<string, string | undefined>> = process.env) {
    this.#access = access(context, env)
    this.#logins = new Logins(this.#access)
    this.context = this.#access.context
    this.namespace = this.#access.namespace
    this.server = this.#access.cluster.server
  }

  /** Undefined for all clusters that are not minikube's or kind's. */
  get local(): LocalCluster | undefined {
    if (isMinikube(this.#access)) return { kind: "minikube", profile: this.context }
    const [, cluster] = /^kind-(.+)$/.exec(this.context) ?? []
    return cluster === undefined ? undefined : { kind: "kind", cluster }
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
  async find<T>(path: string, call: Call = {}): Promise<T | undefined> {
    try {
      return await this.json<T>(path, call)
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined
      throw error
    }
  }

  async list<T extends KubernetesObject>(
    path: string,
    query: Readonly<Record<string, string>> = {},
  ): Promise<readonly T[]> {
    const { items } = await this.json<{ readonly items: readonly T[] }>(path, { query })
    return items
  }

  /**
   * Where a path is, and what a request there needs: for what is no plain request.
   * @throws {UnreachableError} when nothing can be got to log in with.
   */
  async door(path: string): Promise<{ readonly url: URL; readonly login: Login }> {
    return { url: this.#urlOf(path), login: await this.#logins.login() }
  }

  #urlOf(path: string): URL {
    const url = new URL(this.server)
    url.pathname = url.pathname.replace(/\/$/, "") + path
    return url
  }

  async #send(path: string, call: Call): Promise<{ status: number; text: string }> {
    const url = this.#urlOf(path)
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value)
    try {
      for (let attempt = 1; ; attempt++) {
        const login = await this.#logins.login()
        const answer = await exchange(url, login, call)
        if (answer.status === 401) this.#logins.forget()
        if (answer.status !== 429 || attempt === attemptsMax) return answer
        await sleep(Math.min(answer.retryAfterMs, retryAfterMsMax))
      }
    } catch (cause) {
      if (cause instanceof UnreachableError) throw cause
      const where = `${this.server} (context ${this.context})`
      throw new UnreachableError(`${where} can't be reached: ${messageOf(cause)}.`, { cause })
    }
  }
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly retryAfterMs: number
}

async function exchange(url: URL, login: Login, call: Call): Promise<Answer> {
  const { method = "GET", body, contentType = "application/json" } = call
  const { accept = "application/json, */*" } = call
  const request = url.protocol === "http:" ? http.request : https.request
  const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const sent = request(
    url,
    {
      method,
      agent: login.agent,
      headers: {
        ...login.headers,
        accept,
        // The length has to be said, or Node sends the body of a DELETE behind the request's end.
        ...(text === undefined
          ? {}
          : { "content-type": contentType, "content-length": text.byteLength }),
      },
      timeout: patienceMs,
      signal: AbortSignal.timeout(wholeMsMax),
    },
    resolve,
  )
  sent.on("timeout", () => sent.destroy(new Error(`no answer in ${patienceMs / 1000} s`)))
  sent.on("error", reject)
  sent.end(text)
  try {
    const answer = await promise
    const tooMuch = () => new Error(`it answers with more than ${bytesMax} bytes`)
    const said = await textOf(bounded(answer, bytesMax, tooMuch))
    const seconds = Number(answer.headers["retry-after"] ?? Number.NaN)
    const retryAfterMs = Number.isNaN(seconds) ? 1000 : seconds * 1000
    return { status: answer.statusCode ?? 0, text: said, retryAfterMs }
  } catch (error) {
    // A kept connection that the server has just closed: it has not seen the request.
    const isStale = sent.reusedSocket && (error as NodeJS.ErrnoException).code === "ECONNRESET"
    if (isStale) return await exchange(url, login, call)
    throw error
  }
}

function failure(status: number, text: string): ApiError {
  let said: {
    readonly reason?: string
    readonly message?: string
    readonly details?: { readonly causes?: readonly Cause[] }
  } = {}
  try {
    said = JSON.parse(text) ?? {}
  } catch {
    // A proxy's page, say.
  }
  const { reason, message, details } = said
  const because = typeof message === "string" ? message.slice(0, messageCharsMax) : undefined
  const causes = Array.isArray(details?.causes) ? details.causes : []
  return new ApiError(status, reason ?? `HTTP ${status}`, because ?? text.slice(0, 500), causes)
}

/** Node's own errors of connecting have an empty message when several addresses were tried. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || String((error as NodeJS.ErrnoException).code ?? error.name)
}
