/**
 * The production server: HTTP on the main thread, computing on workers.
 *
 * Its life is `starting → ready → draining → closed`:
 * - `starting`: both ports listen, `/readyz` says 503, workers boot.
 * - `ready`: until `drain` is called. When no worker can boot, `/readyz` says 503 meanwhile. An operation
 *   that alone can't be set up is refused, and keeps nobody from the others.
 * - `draining`: `/readyz` says 503 for good. It goes on accepting for `drainDelayMs`, in which
 *   balancers learn to look elsewhere, then stops listening. Requests on open connections are still
 *   answered, with `Connection: close`, until there is none left or `drainGraceMs` is over.
 * - `closed`: nothing is left: no port, no connection, no worker, no timer.
 *
 * It handles no signals and never exits: that is for whoever started it.
 */
import type { Server as HttpServer } from "node:http"
import type { BoundSocket, ListenOptions, Socket } from "node:net"
import { setImmediate } from "node:timers/promises"
import { pathToFileURL } from "node:url"
import { type Logger, pino } from "pino"
import { net } from "../core/http/builtin.ts"
import { listeningUrl } from "../core/http/listening-url.ts"
import { untilQuiet } from "../core/quiet.ts"
import { ComputePools } from "./compute.ts"
import { descriptorsMax, planDescriptors } from "./descriptors.ts"
import { toError } from "./fault.ts"
import { planLanes } from "./lanes.ts"
import { loadService } from "./module.ts"
import type { Service } from "./service.ts"
import { type ResolvedSettings, resolveSettings, type Settings } from "./settings.ts"

export interface ServeOptions {
  /** In code: the weakest. Environment and flags go over it. */
  readonly settings?: Settings
  /** Where `CAPSTAN_` variables are looked up. @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** By setting name, as strings: the strongest. */
  readonly flags?: Readonly<Record<string, string | undefined>>
  /** @default JSON lines on standard output, from `logLevel` up */
  readonly logger?: Logger
  /** `false`: open no ports; connections are handed in by `accept`. @default true */
  readonly listen?: boolean
  /**
   * When no worker could start: `"throw"` rejects with the reason, which is what a test wants to know;
   * `"retry"` resolves to a server that is not ready and goes on trying, for where what is missing may
   * still come. @default "throw"
   */
  readonly onStartFailure?: "throw" | "retry"
}

type Port = "api" | "management"

export interface Server extends AsyncDisposable {
  /** For example `http://127.0.0.1:8080`. */
  readonly url: string
  /** For example `http://127.0.0.1:9090`. */
  readonly managementUrl: string
  readonly service: Service
  readonly settings: ResolvedSettings
  /** Why it is not ready, as `/readyz` says it; `undefined` when it is. */
  readonly unready: string | undefined
  /** Which operations it refuses though it is ready, because they can't be set up, and why. */
  readonly refused: readonly string[]
  /** Takes over a connection that somebody else accepted. */
  accept(port: Port, socket: Socket): void
  /**
   * Ends in good order: not ready, then no new connections, then nothing left to answer. Resolves
   * when closed. Calling it again returns the same promise.
   * @throws {StuckWorkerError} when a worker is in native code that does not return.
   */
  drain(): Promise<void>
  /** Ends at once: requests under way are cut off. */
  [Symbol.asyncDispose](): Promise<void>
}

/** How long a draining server waits for the next request on a connection that is idle. */
const idleLingerMs = 500
/** How long it goes on accepting what is in the system's queue, at most. */
const acceptMsMax = 1_000

/** See serve.ts, through which it is called. */
export async function serve(module: string | URL, options: ServeOptions = {}): Promise<Server> {
  const isUrl = module instanceof URL || module.startsWith("file:")
  const moduleUrl = isUrl ? new URL(module) : pathToFileURL(module)
  const { env = process.env, flags = {}, listen = true, onStartFailure = "throw" } = options
  const settings = resolveSettings({ options: options.settings ?? {}, env, flags })
  const log = options.logger ?? pino({ level: settings.logLevel, base: null })
  const service = await loadService(moduleUrl)
  const server = new RunningServer({ service, moduleUrl, settings, log })
  try {
    await server.start(listen)
    if (onStartFailure === "throw") server.throwUnlessStarted()
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
  return server
}

interface Parts {
  readonly service: Service
  readonly moduleUrl: URL
  readonly settings: ResolvedSettings
  readonly log: Logger
}

class RunningServer implements Server {
  readonly service: Service
  readonly settings: ResolvedSettings
  url = ""
  managementUrl = ""
  #state: "starting" | "ready" | "draining" | "closed" = "starting"
  #drained: Promise<void> | undefined
  #closed: Promise<void> | undefined
  /** Aborted when a drain has to come to its end. */
  readonly #hurry = new AbortController()
  #graceTimer: NodeJS.Timeout | undefined
  #graceEndsAtMs = 0
  #accepted = 0
  #api: HttpServer | undefined
  #management: HttpServer | undefined
  readonly #log: Logger
  readonly #compute: ComputePools
  readonly #sockets: Record<Port, Set<Socket>> = { api: new Set(), management: new Set() }

  constructor({ service, moduleUrl, settings, log }: Parts) {
    this.service = service
    this.settings = settings
    this.#log = log
    this.#compute = new ComputePools({ service, moduleUrl, settings, log })
  }

  async start(listen: boolean): Promise<void> {
    const { service, settings } = this
    // The workers are booting by now, on other cores, while this is loaded.
    const { createApi, createManagement, Metrics } = await import("./front.ts")
    const started = planLanes(service, settings).reduce(
      (sum, { size }) => sum + size + settings.spareWorkers,
      0,
    )
    const { connectionsMax, managementConnectionsMax, shortage } = planDescriptors(
      descriptorsMax(),
      { started, connectionsMax: settings.connectionsMax, others: 0 },
    )
    if (shortage !== undefined) this.#log.warn({ connectionsMax }, shortage)
    const metrics = new Metrics()
    metrics.watch(this.#compute)
    const api = await createApi({
      service,
      settings,
      compute: this.#compute,
      log: this.#log,
      isDraining: () => this.#state === "draining",
      observe: (record) => metrics.request(record),
      connectionsMax,
    })
    const management = createManagement({
      health: {
        livez: () => ({ ok: this.#compute.dead === undefined, reason: this.#compute.dead ?? "" }),
        readyz: () => {
          const refused = this.refused.map((why) => `Refused: ${why}\n`)
          return { ok: this.unready === undefined, reason: this.unready ?? refused.join("") }
        },
      },
      metrics: () => metrics.expose(),
      demand: () => this.#compute.demand(),
      log: this.#log,
      connectionsMax: managementConnectionsMax,
    })
    this.#api = api.server
    this.#management = management
    for (const [port, server] of this.#servers()) {
      server.on("connection", (socket) => this.#track(port, socket))
    }
    if (listen) {
      this.url = await listenOn(api.server, settings.host, settings.port)
      this.managementUrl = await listenOn(
        management,
        settings.managementHost,
        settings.managementPort,
      )
    } else {
      // node:http sets up its time limits when it starts to listen, which these two never do.
      for (const [, server] of this.#servers()) server.emit("listening")
    }
    await this.#compute.started()
    if (this.#state === "starting") this.#state = "ready"
  }

  /** @throws what the workers died of, when none of them is up. */
  throwUnlessStarted(): void {
    const { unready, bootFault } = this.#compute
    if (unready === undefined) return
    throw new Error(unready, bootFault && { cause: toError(bootFault) })
  }

  accept(port: Port, socket: Socket): void {
    const server = port === "api" ? this.#api : this.#management
    server?.emit("connection", socket)
    socket.resume()
  }

  drain(): Promise<void> {
    this.#drained ??= this.#drain()
    return this.#drained
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #drain(): Promise<void> {
    if (this.#state === "closed") return
    this.#state = "draining"
    const { signal } = this.#hurry
    await pause(this.settings.drainDelayMs, signal)
    if (signal.aborted) return this[Symbol.asyncDispose]()
    this.#graceTimer = setTimeout(() => this.#hurry.abort(), this.settings.drainGraceMs)
    this.#graceEndsAtMs = performance.now() + this.settings.drainGraceMs
    await untilQuiet(() => this.#accepted, acceptMsMax)
    stopListening(this.#api)
    // Whoever has a connection may be about to send a request on it: its answer says goodbye.
    await this.#empty("api", idleLingerMs, signal)
    // After a stall, what had arrived by then is read before anything is called idle.
    await setImmediate()
    this.#api?.closeIdleConnections()
    await this.#empty("api", Number.POSITIVE_INFINITY, signal)
    await this[Symbol.asyncDispose]()
  }

  async #close(): Promise<void> {
    this.#state = "closed"
    clearTimeout(this.#graceTimer)
    this.#hurry.abort()
    for (const [port, server] of this.#servers()) {
      stopListening(server)
      server.closeAllConnections()
      for (const socket of this.#sockets[port]) socket.destroy()
      // Ends the timer of node:http's time limits, which only its own `close` does.
      server.close()
    }
    const leftMs = this.#graceEndsAtMs - performance.now()
    await this.#compute.close(Math.max(this.settings.cancelGraceMs, leftMs))
  }

  get unready(): string | undefined {
    if (this.#state === "draining" || this.#state === "closed") return "The server is draining."
    return this.#compute.unready
  }

  get refused(): readonly string[] {
    return this.#compute.refused
  }

  *#servers(): Generator<[Port, HttpServer]> {
    if (this.#api) yield ["api", this.#api]
    if (this.#management) yield ["management", this.#management]
  }

  #track(port: Port, socket: Socket): void {
    const sockets = this.#sockets[port]
    this.#accepted += 1
    sockets.add(socket)
    socket.once("close", () => {
      sockets.delete(socket)
      if (sockets.size === 0) this.#onEmpty[port]?.()
    })
  }

  readonly #onEmpty: Partial<Record<Port, () => void>> = {}

  /** Waits until a port has no connection left, `ms` at most. */
  async #empty(port: Port, ms: number, signal: AbortSignal): Promise<void> {
    if (this.#sockets[port].size === 0) return
    const empty = new AbortController()
    this.#onEmpty[port] = () => empty.abort()
    await pause(ms, AbortSignal.any([signal, empty.signal]))
    delete this.#onEmpty[port]
  }
}

async function listenOn(server: HttpServer, host: string, port: number): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const place = placeOf(host, port)
  server.once("error", reject)
  server.listen(place, resolve)
  await promise
  server.off("error", reject)
  return listeningUrl(server)
}

/**
 * Where to listen: a socket that is bound already, of Nodes that have such. To `listen` an address is a
 * name like any other, and of what it finds for it, it asks a question that takes 10 ms to compile.
 */
function placeOf(host: string, port: number): ListenOptions | BoundSocket {
  const { BoundSocket, isIPv4 } = net as Partial<typeof net>
  return BoundSocket && isIPv4?.(host) ? new BoundSocket({ host, port }) : { host, port }
}

/**
 * Stops accepting, and nothing else: node:http's own `close` would also close the connections that
 * are idle at this moment, on which a request may be on its way.
 */
function stopListening(server: HttpServer | undefined): void {
  if (server?.listening) net.Server.prototype.close.call(server)
}

/** Resolves after `ms`, or when the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0 || signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined
  signal.addEventListener("abort", () => resolve(), { once: true })
  await promise
  clearTimeout(timer)
}
