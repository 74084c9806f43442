/** A balancer on a free port, and replicas that do as they are told. */
import { type ChildProcess, spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createServer, type RequestListener, type Server } from "node:http"
import {
  type AddressInfo,
  createServer as createRawServer,
  type Server as RawServer,
  type Socket,
} from "node:net"
import { fileURLToPath } from "node:url"
import { type Dispatcher, Pool } from "undici"
import {
  type Backend,
  Balancer,
  type BalancerEvent,
  type BalancerOptions,
} from "../../src/local/balancer/balancer.ts"
import { patienceMs } from "./patience.ts"

export interface BalancerTrial extends AsyncDisposable {
  readonly balancer: Balancer
  readonly port: number
  readonly events: BalancerEvent[]
  call(options?: CallOptions): Promise<Answer>
  /** Resolves with the next event of that kind, if none has been logged yet. */
  event<K extends BalancerEvent["kind"]>(kind: K): Promise<Extract<BalancerEvent, { kind: K }>>
}

interface CallOptions {
  readonly method?: Dispatcher.HttpMethod
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Dispatcher.DispatchOptions["body"]
  readonly signal?: AbortSignal
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** It is as patient as the tests, unless one says otherwise. */
export async function balance(
  backends: readonly Backend[] = [],
  options: Partial<BalancerOptions> = {},
): Promise<BalancerTrial> {
  const events: BalancerEvent[] = []
  const told = new EventTarget()
  const balancer = await Balancer.listen({
    host: "127.0.0.1",
    port: 0,
    waitMs: patienceMs(),
    headersTimeoutMs: patienceMs(),
    stallTimeoutMs: patienceMs(),
    ...options,
    logged: (event) => {
      events.push(event)
      options.logged?.(event)
      told.dispatchEvent(new Event("told"))
    },
  })
  for (const backend of backends) balancer.add(backend)
  const pool = new Pool(balancer.url, { connections: 2000, headersTimeout: 0, bodyTimeout: 0 })
  return {
    balancer,
    port: Number(new URL(balancer.url).port),
    events,
    async call({ method = "GET", path = "/", headers = {}, body = null, signal } = {}) {
      const response = await pool.request({
        method,
        path,
        headers,
        body,
        ...(signal === undefined ? {} : { signal }),
      })
      return {
        status: response.statusCode,
        headers: response.headers,
        text: await response.body.text(),
      }
    },
    async event<K extends BalancerEvent["kind"]>(kind: K) {
      for (;;) {
        const found = events.find((event) => event.kind === kind)
        if (found !== undefined) return found as Extract<BalancerEvent, { kind: K }>
        await once(told, "told")
      }
    },
    async [Symbol.asyncDispose]() {
      await pool.destroy()
      await balancer.close(0)
    },
  }
}

export interface ReplicaTrial extends Backend, AsyncDisposable {
  readonly server: Server
  /** Connections accepted so far. */
  readonly connections: () => number
}

export async function replica(
  name: string,
  answer: RequestListener = (_, response) => {
    response.end(name)
  },
): Promise<ReplicaTrial> {
  // It leaves it to the balancer to end a connection.
  const server = createServer({ keepAliveTimeout: 0 }, answer)
  let connections = 0
  server.on("connection", () => {
    connections += 1
  })
  server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 })
  await once(server, "listening")
  return {
    name,
    origin: originOf(server),
    server,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close")
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

export interface RawReplica extends Backend, AsyncDisposable {
  /** The next connection. */
  connection(): Promise<Socket>
}

/** Says nothing by itself. */
export async function rawReplica(name: string): Promise<RawReplica> {
  const server = createRawServer({ allowHalfOpen: true })
  const sockets: Socket[] = []
  server.on("connection", (socket) => {
    socket.on("error", () => {})
    sockets.push(socket)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  let taken = 0
  return {
    name,
    origin: originOf(server),
    async connection() {
      while (sockets.length <= taken) await once(server, "connection")
      return sockets[taken++]!
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close")
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

export interface ProcessReplica extends Backend, AsyncDisposable {
  readonly process: ChildProcess
  readonly pid: number
}

const program = fileURLToPath(new URL("../fixtures/local/mortal.ts", import.meta.url))

/** A replica in a process of its own, for those that have to die. */
export async function processReplica(name: string): Promise<ProcessReplica> {
  const child = spawn(process.execPath, [program, name], { stdio: ["ignore", "pipe", "inherit"] })
  const [line] = await once(child.stdout, "data")
  return {
    name,
    origin: new URL(String(line).trim()),
    process: child,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill("SIGKILL")
      await once(child, "exit")
    },
  }
}

/**
 * A backend where nobody listens. Where a system has more addresses for itself than one, it is at one
 * that nobody else uses, since somebody could take the port meanwhile.
 */
export async function nobody(name: string): Promise<Backend> {
  const server = createRawServer()
  const ownAddress = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`
  server.listen(0, process.platform === "linux" ? ownAddress : "127.0.0.1")
  await once(server, "listening")
  const origin = originOf(server)
  server.close()
  await once(server, "close")
  return { name, origin }
}

/** How many of our connections to that port the other side has ended, as the kernel sees it now. */
export function endedConnectionsTo(port: number): number {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, "0")}`
  const closeWait = "08"
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[2]?.endsWith(remote) && fields[3] === closeWait).length
}

function originOf(server: Server | RawServer): URL {
  const { address, port } = server.address() as AddressInfo
  return new URL(`http://${address}:${port}`)
}
