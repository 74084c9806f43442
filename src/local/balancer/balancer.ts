/**
 * The balancer of `capstan up`: one port in front of replicas that come and go.
 *
 * Clients are left to node:http: it frames, parses, keeps connections, and has seen more odd peers
 * than we have. The replicas are services of our own, and there half of what a request costs here is
 * saved by a client that does no more than it takes (`connection.ts`). The rest is what a library
 * doesn't know: which replica (`pick.ts`), whether one may be asked at all (`circuit.ts`), what to do
 * meanwhile (`upstreams.ts`), and what may be tried again (`fate.ts`). A request's way is
 * `forward.ts`, that of a connection which becomes something else `tunnel.ts`.
 *
 * What it promises: bodies are passed on as they come, and no faster than they are taken. A request
 * is given to one replica, and to a second one only when it is certain that the first never saw it. A
 * client that leaves ends its request at the replica, and a replica that ends answers 502, never
 * silence. It has no time limit for an answer: the service has deadlines, and a replica that hangs is
 * killed by who looks after it.
 */
import type { IncomingMessage, Server } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { setImmediate } from "node:timers/promises"
import { http, net } from "../../core/http/builtin.ts"
import { listeningUrl } from "../../core/http/listening-url.ts"
import { Peers } from "../../core/http/peers.ts"
import { Pipelines } from "../../core/http/pipelines.ts"
import { Unread } from "../../core/http/unread.ts"
import { ambiguity } from "../../core/http/unreadable.ts"
import { keepListenersYoung } from "../../core/http/young-listeners.ts"
import { onceASecond } from "../../core/once-a-second.ts"
import { untilQuiet } from "../../core/quiet.ts"
import { answerClientError, answerConnect } from "./client-error.ts"
import type { Surroundings } from "./errand.ts"
import { Forward } from "./forward.ts"
import { type Backend, type BalancerOptions, type ResolvedOptions, resolve } from "./options.ts"
import { Tunnel } from "./tunnel.ts"
import { type BackendStats, Upstreams } from "./upstreams.ts"

export type { Backend, BalancerEvent, BalancerOptions } from "./options.ts"
export type { BackendStats } from "./upstreams.ts"

/** What the kernel holds of connections until they are accepted; it takes less where it allows less. */
const backlog = 4096

/** How long a closing balancer waits for the next request on a connection that is idle. */
const idleLingerMs = 500

/** How long the clients that are cut off have to read that they are. */
const lastWordsMs = 100

/** How long a closing balancer goes on accepting what is in the system's queue, at most. */
const acceptMsMax = 1_000

/** How often node:http looks for requests that are late. */
const lateCheckMs = 500

export class Balancer {
  readonly #options: ResolvedOptions
  readonly #upstreams: Upstreams
  readonly #server: Server
  readonly #peers: Peers
  readonly #sockets = new Set<Socket>()
  readonly #surroundings: Surroundings
  #accepted = 0
  #closed: Promise<void> | undefined
  #onEmpty: (() => void) | undefined
  #url = ""

  /** Listens. @throws the error of `listen` as it is: `EADDRINUSE` above all. */
  static async listen(options: BalancerOptions): Promise<Balancer> {
    const balancer = new Balancer(resolve(options))
    await balancer.#listen()
    return balancer
  }

  private constructor(options: ResolvedOptions) {
    this.#options = options
    this.#upstreams = new Upstreams(options)
    const { connectionsMax, unreadBytesMax, stallTimeoutMs, logged } = options
    this.#peers = new Peers(
      connectionsMax,
      onceASecond(() => logged({ kind: "connections-full", connectionsMax })),
    )
    this.#surroundings = {
      options,
      upstreams: this.#upstreams,
      newest: new WeakMap(),
      pipelines: new Pipelines((request, response) => {
        new Forward(this.#surroundings, request, response).start()
      }, this.#peers),
      unread: new Unread({
        bytesMax: unreadBytesMax,
        stallMs: stallTimeoutMs,
        full: onceASecond(() => logged({ kind: "unread-full", unreadBytesMax })),
      }),
      isClosing: () => this.#closed !== undefined,
    }
    this.#server = this.#createServer()
  }

  /** Where clients reach it. */
  get url(): string {
    return this.#url
  }

  /** `backend` gets requests from now on. @throws {Error} when there is one of that name. */
  add(backend: Backend): void {
    this.#upstreams.add(backend)
  }

  /**
   * Unready: no new requests, those under way go on. Nothing happens when it is being drained or
   * there is none of that name (any more): whoever probes it may be late.
   */
  setReady(name: string, ready: boolean): void {
    this.#upstreams.setReady(name, ready)
  }

  /**
   * No new requests; resolves when the last one is answered, and the backend is then forgotten. An
   * upgraded connection counts as a request until it is closed: {@link drop} ends the wait.
   */
  drain(name: string): Promise<void> {
    return this.#upstreams.drain(name)
  }

  /** Its process is gone. What it had not seen goes to others, what ran there is answered 502. */
  drop(name: string): void {
    this.#upstreams.drop(name)
  }

  /** By name, of the backends that are not forgotten. */
  stats(): { readonly [name: string]: BackendStats } {
    return this.#upstreams.stats()
  }

  /**
   * Stops accepting and finishes what is under way, `graceMs` at most; then whatever is left is cut
   * off. Calling it again returns the same promise.
   */
  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs)
    return this.#closed
  }

  #createServer(): Server {
    const { headersTimeoutMs, keepAliveTimeoutMs } = this.#options
    const server = http.createServer({
      headersTimeout: headersTimeoutMs,
      // How long a body may take is the replica's to say.
      requestTimeout: 0,
      connectionsCheckingInterval: lateCheckMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      // A request without a host is refused by the replica, with its own words.
      requireHostHeader: false,
      optimizeEmptyRequests: true,
      shouldUpgradeCallback: (request) => this.#mayUpgrade(request),
    })
    keepListenersYoung()
    const { arrived, connected } = this.#surroundings.pipelines
    server.on("connection", (socket) => this.#track(socket))
    server.on("connection", connected)
    server.on("connection", this.#peers.connected)
    server.on("request", arrived)
    // Node would answer these two by itself, before the replica was asked.
    server.on("checkContinue", arrived)
    server.on("checkExpectation", arrived)
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#peers.busy(socket as Socket)
      const rest = this.#surroundings.pipelines.letGo(request)
      const whole = rest === undefined ? head : Buffer.concat([head, rest])
      new Tunnel(this.#surroundings, request, socket as Socket, whole).start()
    })
    server.on("connect", (request, socket: Duplex) => {
      this.#surroundings.pipelines.letGo(request)
      answerConnect(this.#surroundings, socket as Socket)
    })
    server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
      answerClientError(this.#surroundings, error, socket as Socket)
    })
    return server
  }

  /**
   * What else is offered (h2c) may be left, as if it had not been. So may an upgrade that was sent
   * before the answer in front of it was there: it would overtake that. What others may read as
   * something else is refused where requests are.
   */
  #mayUpgrade(request: IncomingMessage): boolean {
    const { newest, pipelines } = this.#surroundings
    const { headers, socket } = request
    if (ambiguity(request) !== undefined) return false
    const { isAnswered = true } = newest.get(socket) ?? {}
    if (!isAnswered || pipelines.hasWaiting(socket)) return false
    return headers.upgrade?.toLowerCase() === "websocket"
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#options
    const server = this.#server
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    server.once("error", reject)
    server.listen({ host, port, backlog }, resolve)
    await promise
    server.off("error", reject)
    this.#url = listeningUrl(server)
  }

  async #close(graceMs: number): Promise<void> {
    const endsAtMs = performance.now() + graceMs
    await untilQuiet(() => this.#accepted, acceptMsMax)
    // Not node:http's own `close`: that also closes the connections that are idle at this moment, on
    // which a request may be on its way.
    net.Server.prototype.close.call(this.#server)
    // Whoever has a connection may be about to send a request on it: its answer says goodbye.
    await this.#empty(Math.min(idleLingerMs, graceMs))
    // After a stall, what had arrived by then is read before anything is called idle.
    await setImmediate()
    this.#server.closeIdleConnections()
    await this.#empty(endsAtMs - performance.now())
    this.#upstreams.close()
    await this.#empty(lastWordsMs)
    for (const socket of this.#sockets) socket.destroy()
    // Ends the timer of node:http's time limits, which only its own `close` does.
    this.#server.close()
  }

  #track(socket: Socket): void {
    this.#accepted += 1
    this.#sockets.add(socket)
    socket.once("close", () => {
      this.#sockets.delete(socket)
      if (this.#sockets.size === 0) this.#onEmpty?.()
    })
  }

  /** Waits until no client is connected, `ms` at most. */
  async #empty(ms: number): Promise<void> {
    if (this.#sockets.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onEmpty = resolve
    const timer = setTimeout(resolve, Math.max(0, ms))
    await promise
    clearTimeout(timer)
    this.#onEmpty = undefined
  }
}
