/**
 * Clients by the hundred that take the server's time, memory and connections without doing anything
 * that could be refused at once, against `capstan serve` and `capstan up` as people run them: others
 * are answered, each time, probes too; the process is there afterwards, and its memory is bounded.
 */
import { readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { fileURLToPath } from "node:url"
import { CliProcess, childrenOf, freePorts } from "../support/cli.ts"
import type { Attack, Trial } from "./attack.ts"

const service = fileURLToPath(new URL("../../examples/prime-factor/service.ts", import.meta.url))
const residentMiBMax = 600
/** Fewer than some floods bring: others have to get in all the same. */
const connectionsMax = 400
/** Of this machine, and another than that of others: room is shared by address. */
const attacker = "127.0.0.2"
/** How often others ask while a flood is on, each on a connection of its own. */
const asks = 20

interface Flood {
  readonly name: string
  readonly connections: number
  /** Called with each connection when it is there; what it returns is done between others' requests. */
  readonly begin: (socket: Socket) => (() => void) | undefined
}

const ping = "GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
const post = (...lines: string[]): string =>
  [
    "POST /api/v1/hello HTTP/1.1",
    "Host: x",
    "Content-Type: application/json",
    ...lines,
    "",
    "",
  ].join("\r\n")

const reading = (socket: Socket): Socket => socket.resume()
const says =
  (text: string) =>
  (socket: Socket): undefined => {
    reading(socket).write(text)
  }
/** Takes nothing of what it is answered. */
const saysDeaf =
  (text: string) =>
  (socket: Socket): undefined => {
    socket.pause().write(text)
  }
/** Another piece each time that others have been answered. */
const trickles =
  (begin: string, piece: string) =>
  (socket: Socket): (() => void) => {
    reading(socket).write(begin)
    return () => void socket.write(piece)
  }

const floods: readonly Flood[] = [
  { name: "pings sent ahead", connections: 4, begin: says(ping.repeat(5000)) },
  { name: "pings sent ahead and unread", connections: 4, begin: saysDeaf(ping.repeat(20_000)) },
  {
    name: "long answers unread",
    connections: 50,
    begin: saysDeaf("GET /docs/static/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50)),
  },
  {
    name: "chunks of a byte",
    connections: 8,
    begin: says(post("Transfer-Encoding: chunked") + "1\r\n \r\n".repeat(30_000)),
  },
  {
    name: "half of a body",
    connections: 200,
    begin: says(post("Content-Length: 1000000") + " ".repeat(200_000)),
  },
  {
    name: "bodies that are refused",
    connections: 8,
    begin: says(post("Content-Length: 99999999999") + "a".repeat(2_000_000)),
  },
  {
    name: "bodies by the byte",
    connections: 200,
    begin: trickles(post("Content-Length: 1000"), " "),
  },
  {
    name: "heads by the byte",
    connections: 300,
    begin: trickles("GET /ping HTTP/1.1\r\nX: ", "y"),
  },
  {
    name: "headers one by one",
    connections: 300,
    begin: trickles("GET /ping HTTP/1.1\r\n", "X: y\r\n"),
  },
  { name: "nothing at all", connections: 500, begin: () => undefined },
  {
    name: "waiting for 100 Continue",
    connections: 200,
    begin: says(post("Content-Length: 1000", "Expect: 100-continue")),
  },
  {
    name: "leaving at once",
    connections: 300,
    begin: (socket) => {
      socket.write(ping, () => socket.resetAndDestroy())
      return undefined
    },
  },
]

export const flooding: Attack = {
  name: "floods",
  what: "connections by the hundred that do nothing soon: others are answered, memory is bounded",
  async run(trial) {
    await flooded(trial, "serve")
    await flooded(trial, "up")
  },
}

async function flooded(trial: Trial, command: "serve" | "up"): Promise<void> {
  const more = command === "up" ? ["--web-port", "0", "--max-replicas", "2"] : []
  const args = [
    command,
    service,
    ...freePorts,
    ...more,
    "--workers",
    "1",
    "--connections-max",
    `${connectionsMax}`,
  ]
  await using server = new CliProcess(args, {})
  const { url, managementUrl } = await server.served()
  for (const flood of floods) {
    trial.tried(`connections on capstan ${command}`, flood.connections)
    await tried(trial, `${flood.name}, on capstan ${command}`, flood, url, managementUrl)
    if (server.child.exitCode !== null) {
      trial.found(`${flood.name}: capstan ${command} has ended (${server.child.exitCode})`)
      return
    }
  }
  const pid = server.child.pid ?? 0
  const most = [pid, ...childrenOf(pid)].map(residentMiBMaxOf)
  trial.note(`capstan ${command}: ${most.map((mib) => Math.round(mib)).join(" and ")} MiB at most`)
  if (most.some((mib) => mib > residentMiBMax))
    trial.found(`more memory than ${residentMiBMax} MiB`)
}

async function tried(
  trial: Trial,
  what: string,
  { connections, begin }: Flood,
  url: string,
  managementUrl: string,
): Promise<void> {
  const turns: (() => void)[] = []
  const port = Number(new URL(url).port)
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect({ port, host: "127.0.0.1", localAddress: attacker }, () => {
      const turn = begin(socket)
      if (turn !== undefined) turns.push(turn)
    })
    return socket.on("error", () => {})
  })
  try {
    for (let n = 0; n < asks; n++) {
      for (const path of [`${url}/ping`, `${managementUrl}/livez`]) {
        const { status } = await asked(path)
        if (status !== 200) trial.found(`${what}: ${path} was answered ${status}`)
      }
      for (const turn of turns) turn()
    }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

async function asked(url: string): Promise<{ readonly status: number | string }> {
  try {
    const response = await fetch(url, { headers: { connection: "close" } })
    await response.arrayBuffer()
    return response
  } catch (error) {
    return { status: String((error as Error).cause ?? error) }
  }
}

/** The most memory that a process has ever had, as the kernel knows it. */
function residentMiBMaxOf(pid: number): number {
  try {
    const [, kib] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
    return Number(kib) / 1024
  } catch {
    return 0
  }
}
