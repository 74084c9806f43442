/**
 * A port of this machine that leads to a deployment's replicas, through the API server.
 *
 * `kubectl port-forward service/…` chooses one pod at its start and ends with it. Here each connection
 * goes to the next ready replica, so a replica may go at any time: new connections go elsewhere, and
 * what was under way on it ends as it would behind any balancer. While none is ready, connections
 * wait.
 *
 * A replica can also vanish without a word: with its node, or behind something on the way that has
 * forgotten the connection. Nothing closes then. So each connection is pinged, through to the node's
 * kubelet, and one that has said nothing for half a minute is given up: its client is cut off, comes
 * again if it wants to, and gets another replica.
 *
 * The protocol is the one of `kubectl`'s older sibling, a web socket for each connection: a message
 * is a byte for the channel (0 data, 1 errors) and what goes through it, and the first one of each
 * channel is the port's number.
 */
import { createServer, type Server, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { WebSocket } from "ws"
import type { Pod } from "../kinds.ts"
import { selectorOf } from "../manifests/labels.ts"
import { type Api, ApiError } from "./api.ts"
import { isReady } from "./observe.ts"
import { collection } from "./resources.ts"

export interface ForwardOptions {
  readonly namespace: string
  readonly name: string
  /** Of the pods. */
  readonly podPort: number
  /** Of this machine, on 127.0.0.1; 0 takes a free one. */
  readonly port: number
  readonly said: (event: ForwardEvent) => void
  /**
   * For how long a connection's other end may say nothing, pings unanswered, until it is given up. It
   * is pinged three times in that time.
   * @default 30 s
   */
  readonly silenceMsMax?: number
}

export type ForwardEvent =
  /** The replicas that connections go to have changed. */
  | { readonly kind: "replicas"; readonly names: readonly string[] }
  /** A connection could not be made; it is closed. */
  | { readonly kind: "failed"; readonly why: string }

const host = "127.0.0.1"
/** How old a list of replicas may be before it is asked for again. */
const listMsMax = 1_000
/** How long a connection waits for a replica to be ready. */
const patienceMs = 30_000
const retryMs = 500
const silenceMsMaxDefault = 30_000
/** How many pings in a row may stay without an answer, within the silence that is allowed. */
const pingsMax = 3
const connectionsMax = 1_000
/** What may lie in memory on its way to the cluster, of one connection. */
const sentBytesMax = 1 << 20

export class Forward implements AsyncDisposable {
  readonly #api: Api
  readonly #options: ForwardOptions
  readonly #server: Server
  readonly #open = new Set<Socket>()
  #listed: { readonly names: readonly string[]; readonly atMs: number } | undefined
  /** So that connections that wait at once ask once. */
  #looking: Promise<readonly string[]> | undefined
  #turn = 0

  private constructor(api: Api, options: ForwardOptions) {
    this.#api = api
    this.#options = options
    this.#server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => {
      this.#open.add(socket)
      socket.on("close", () => this.#open.delete(socket))
      // Whoever connected has gone; there is nobody to tell.
      socket.on("error", () => socket.destroy())
      this.#serve(socket).catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error)
        options.said({ kind: "failed", why })
        socket.resetAndDestroy()
      })
    })
    this.#server.maxConnections = connectionsMax
  }

  /** @throws {NodeJS.ErrnoException} when the port is taken. */
  static async listen(api: Api, options: ForwardOptions): Promise<Forward> {
    const forward = new Forward(api, options)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    forward.#server.once("error", reject)
    forward.#server.listen(options.port, host, resolve)
    await promise
    return forward
  }

  get url(): string {
    const address = this.#server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    return `http://${host}:${port}`
  }

  /** The ready replicas, looked at now. */
  async look(): Promise<readonly string[]> {
    const { namespace, name, said } = this.#options
    const pods = await this.#api.list<Pod>(collection("v1", "pods", namespace), {
      labelSelector: selectorOf(name),
    })
    const names = pods
      .filter((pod) => isReady(pod) && pod.metadata?.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata?.name ?? "")
      .toSorted()
    if (names.join() !== this.#listed?.names.join()) said({ kind: "replicas", names })
    this.#listed = { names, atMs: performance.now() }
    return names
  }

  async #serve(socket: Socket): Promise<void> {
    const endMs = performance.now() + patienceMs
    for (;;) {
      let why = "no replica is ready"
      let isAsked = true
      try {
        const [names, asked] = await this.#replicas()
        isAsked = asked
        const name = names[this.#turn++ % Math.max(1, names.length)]
        if (name !== undefined) {
          await this.#join(socket, name)
          return
        }
      } catch (error) {
        why = (error as Error).message
        if (error instanceof ApiError && error.status === 403) throw error
        // It may have gone since the list was made; and an API server that is away may come back.
        this.#listed = undefined
      }
      if (socket.destroyed) return
      if (performance.now() > endMs) throw new Error(why)
      if (isAsked) await sleep(retryMs)
    }
  }

  /** The names, and whether they were asked for just now. */
  async #replicas(): Promise<[names: readonly string[], asked: boolean]> {
    const listed = this.#listed
    const isFresh = listed !== undefined && performance.now() - listed.atMs < listMsMax
    if (isFresh && listed.names.length > 0) return [listed.names, false]
    this.#looking ??= this.look().finally(() => {
      this.#looking = undefined
    })
    return [await this.#looking, true]
  }

  /** Resolves once the two are joined; rejects when the replica can't be reached. */
  async #join(socket: Socket, pod: string): Promise<void> {
    const { namespace, podPort, said, silenceMsMax = silenceMsMaxDefault } = this.#options
    const path = `${collection("v1", "pods", namespace)}/${pod}/portforward`
    const { url, login } = await this.#api.door(path)
    url.searchParams.set("ports", `${podPort}`)
    url.protocol = url.protocol === "http:" ? "ws:" : "wss:"
    const channel = new WebSocket(url, ["v4.channel.k8s.io"], {
      headers: login.headers,
      agent: login.agent,
      handshakeTimeout: 10_000,
      perMessageDeflate: false,
    })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    channel.once("open", resolve)
    channel.once("unexpected-response", (_, { statusCode = 0 }) => {
      const message = `the API server answers ${statusCode} for a port of ${pod}`
      reject(new ApiError(statusCode, "PortForward", message))
      channel.terminate()
    })
    channel.on("error", reject)
    // Before it is open: the first messages may come with the answer that opens it.
    receive(socket, channel, (why) => said({ kind: "failed", why: `${pod}: ${why}` }))
    await promise
    send(socket, channel)
    watchOver(channel, silenceMsMax, () => {
      said({ kind: "failed", why: `${pod} has said nothing for ${silenceMsMax / 1000} s` })
      this.#listed = undefined
      socket.resetAndDestroy()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

/** Passes on what comes from the replica, no faster than it is taken. */
function receive(socket: Socket, channel: WebSocket, failed: (why: string) => void): void {
  const begun = new Set<number>()
  channel.on("message", (data: Buffer) => {
    const number = data[0] ?? 0
    if (!begun.has(number)) {
      begun.add(number)
      return
    }
    if (number === 1) {
      failed(data.toString("utf8", 1).trim())
      socket.resetAndDestroy()
      channel.terminate()
      return
    }
    if (!socket.write(data.subarray(1))) {
      channel.pause()
      socket.once("drain", () => channel.resume())
    }
  })
}

/** Gives up a channel whose other end has gone without a word. */
function watchOver(channel: WebSocket, silenceMsMax: number, lost: () => void): void {
  // Counted and not timed: after a stall of this process, the answers may lie here unread.
  let pingsUnheard = 0
  const hear = (): void => {
    pingsUnheard = 0
  }
  channel.on("message", hear).on("pong", hear)
  const timer = setInterval(() => {
    // While the client takes nothing, nothing is read here, pongs neither.
    if (channel.isPaused) hear()
    if (pingsUnheard >= pingsMax) {
      lost()
      channel.terminate()
      return
    }
    channel.ping()
    pingsUnheard += 1
  }, silenceMsMax / pingsMax)
  channel.on("close", () => clearInterval(timer))
}

/** Passes on what goes to the replica, and ends either side with the other. */
function send(socket: Socket, channel: WebSocket): void {
  channel.on("close", () => socket.end())
  channel.on("error", () => socket.resetAndDestroy())
  socket.on("data", (chunk: Buffer) => {
    channel.send(Buffer.concat([Buffer.from([0]), chunk]), () => {
      if (channel.bufferedAmount < sentBytesMax) socket.resume()
    })
    if (channel.bufferedAmount >= sentBytesMax) socket.pause()
  })
  socket.on("close", () => channel.close())
  if (channel.readyState === WebSocket.OPEN && !socket.destroyed) {
    socket.resume()
    return
  }
  // One of them has gone while the other was on its way.
  socket.destroy()
  channel.close()
}
