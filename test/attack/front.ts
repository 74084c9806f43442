/**
 * What requests are sent to, as a judge sees it: the API port of a server, and the balancer of
 * `capstan up` with a replica behind it that keeps every byte that it is sent.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { once } from "node:events"
import type { IncomingMessage } from "node:http"
import { type AddressInfo, createServer, type Socket } from "node:net"
import * as z from "zod"
import { Balancer } from "../../src/local/balancer/balancer.ts"
import { bytes } from "../../src/service/body.ts"
import { operation } from "../../src/service/operation.ts"
import { serveApi } from "../support/api.ts"
import { readRequests, tempers } from "./readers.ts"

export interface Front extends AsyncDisposable {
  readonly name: string
  readonly port: number
  /** The requests that somebody was given to answer, by method and path, in order. */
  executed(): readonly string[]
  /** What is not as it has to be between the front and who answers. */
  disputes(): readonly string[]
}

/** With this an answer says which request it is for. In hex, because a path may have any letter. */
export const mark = (request: string): string =>
  `{{${Buffer.from(request, "latin1").toString("hex")}}}`

/** The requests that a client was answered, by the marks in the answers. */
export function answersIn(received: string): readonly string[] {
  return Array.from(received.matchAll(/\{\{([0-9a-f]*)\}\}/g), ([, hex = ""]) =>
    Buffer.from(hex, "hex").toString("latin1"),
  )
}

export async function apiFront(): Promise<Front> {
  const output = z.string()
  const get = (path: string) =>
    operation({ method: "GET", path, output, run: () => mark(`GET ${path}`) })
  const api = await serveApi({
    outer: operation({
      path: "/outer",
      body: bytes("application/octet-stream"),
      output,
      run: () => mark("POST /outer"),
    }),
    getOuter: get("/outer"),
    inner: get("/inner"),
    victim: get("/victim"),
  })
  return {
    name: "the server",
    port: api.port,
    executed: () => api.compute.calls.map(({ operation: { method, path } }) => `${method} ${path}`),
    disputes: () => [],
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  }
}

export async function balancerFront(): Promise<Front> {
  const replica = await recordingReplica()
  const balancer = await Balancer.listen({ host: "127.0.0.1", port: 0 })
  balancer.add({ name: "a", origin: new URL(`http://127.0.0.1:${replica.port}`) })
  const port = Number(new URL(balancer.url).port)
  let counted = 0
  const count = (message: unknown): void => {
    const { request } = message as { readonly request: IncomingMessage }
    if (request.socket.localPort === port) counted += 1
  }
  subscribe(begun, count)
  return {
    name: "the balancer",
    port,
    executed: () => replica.executed,
    disputes() {
      const readings = tempers.map((temper) => ({
        name: temper.name,
        read: replica.connections.flatMap(({ text }) => readRequests(text, temper)),
      }))
      const [strict, ...others] = readings
      // node:http does not tell of those that become something else.
      const tunnels = strict!.read.filter(({ isUpgrade }) => isUpgrade).length
      const sent = strict!.read.length - tunnels
      return [
        ...(sent > counted
          ? [`the replica was sent ${sent} requests, and ${counted} were counted`]
          : []),
        ...others
          .filter(({ read }) => JSON.stringify(read) !== JSON.stringify(strict!.read))
          .map(
            ({ name, read }) =>
              `who reads ${name} sees ${JSON.stringify(read)}, and by the book it is ${JSON.stringify(strict!.read)}`,
          ),
      ]
    },
    async [Symbol.asyncDispose]() {
      unsubscribe(begun, count)
      await balancer.close(0)
      await replica[Symbol.asyncDispose]()
    },
  }
}

/** Where node:http tells of each request that it has read. */
const begun = "http.server.request.start"

interface RecordingReplica extends AsyncDisposable {
  readonly port: number
  /** All that came on each connection, as latin1. */
  readonly connections: readonly { readonly text: string }[]
  /** In the order in which they were answered. */
  readonly executed: readonly string[]
}

/** Answers each request as it is whole, by the book. */
async function recordingReplica(): Promise<RecordingReplica> {
  const connections: { text: string }[] = []
  const executed: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const said = { text: "" }
    let answered = 0
    connections.push(said)
    sockets.add(socket)
    socket.on("error", () => {})
    socket.on("close", () => sockets.delete(socket))
    socket.on("data", (chunk) => {
      said.text += chunk.toString("latin1")
      const whole = readRequests(said.text, tempers[0]!).filter(({ isWhole }) => isWhole)
      for (const { method, path } of whole.slice(answered)) {
        executed.push(`${method} ${path}`)
        const body = method === "HEAD" ? "" : mark(`${method} ${path}`)
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`, "latin1")
      }
      answered = whole.length
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    executed,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close")
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
