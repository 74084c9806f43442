/**
 * Clients by the hundred that take the server's time, memory and connections without doing anything
 * that could be refused at once, against `capstan serve` and `capstan up` as people run them: others
 * are answered, each time, probes too; the process is there afterwards, and its memory is bounded.
 */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import {
  type Flood,
  type FloodTarget,
  floods,
  postTo,
  RunningFlood,
} from "../../bench/generator/floods.ts"
import { CliProcess, childrenOf, freePorts } from "../support/cli.ts"
import type { Attack, Trial } from "./attack.ts"

const service = fileURLToPath(new URL("../../examples/prime-factor/service.ts", import.meta.url))
/** Of answers that are not read, and of bodies, so much is held. */
const heldMiBMax = 64
/** As much again may be garbage; and a heap under load grows, whatever it holds. */
const grownMiBMax = 2 * (heldMiBMax + heldMiBMax) + 128
/** Fewer than some floods bring: others have to get in all the same. */
const connectionsMax = 400
/** Of this machine, and another than that of others: room is shared by address. */
const attacker = "127.0.0.2"
/** What the floods call with, and what a light client does: some milliseconds of work, and a tenth of that. */
const call = '{"n":999999999989}'
const lightCall = '{"n":9999999967}'
/** How often others ask while a flood is on, each on a connection of its own. */
const asks = 20

/** Where they flood, on the prime-factor example. */
const target: FloodTarget = {
  quick: "/ping",
  long: "/docs/static/swagger-ui-bundle.js",
  post: "/api/v1/hello",
  call: postTo("/api/v1/hello", `Content-Length: ${call.length}`) + call,
}
/** Of a light client's calls, which need a worker as the flood's own may, so many are answered. */
const answeredShareMin = 0.9

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
    "--unread-bytes-max",
    `${heldMiBMax * 2 ** 20}`,
    "--queue-bytes-max",
    `${heldMiBMax * 2 ** 20}`,
  ]
  await using server = new CliProcess(args, {})
  const { url, managementUrl } = await server.served()
  const pid = server.child.pid ?? 0
  const processes = [pid, ...childrenOf(pid)]
  const before = processes.map(residentMiBMaxOf)
  for (const flood of floods) {
    trial.tried(`connections on capstan ${command}`, flood.connections)
    await tried(trial, `${flood.name}, on capstan ${command}`, flood, url, managementUrl)
    if (server.child.exitCode !== null) {
      trial.found(`${flood.name}: capstan ${command} has ended (${server.child.exitCode})`)
      return
    }
  }
  const grown = processes.map((pid, n) => residentMiBMaxOf(pid) - before[n]!)
  const rounded = (mib: readonly number[]): string => mib.map(Math.round).join(" and ")
  trial.note(`capstan ${command}: ${rounded(before)} MiB, and at most ${rounded(grown)} more`)
  if (grown.some((mib) => mib > grownMiBMax)) trial.found(`more than ${grownMiBMax} MiB more`)
}

async function tried(
  trial: Trial,
  what: string,
  flood: Flood,
  url: string,
  managementUrl: string,
): Promise<void> {
  const at = { port: Number(new URL(url).port), address: attacker, target }
  using running = new RunningFlood(flood, flood.connections, at)
  let answered = 0
  for (let n = 0; n < asks; n++) {
    for (const path of [`${url}/ping`, `${managementUrl}/livez`]) {
      const { status } = await asked(path)
      if (status !== 200) trial.found(`${what}: ${path} was answered ${status}`)
    }
    const { status } = await asked(`${url}${target.post}`, lightCall)
    if (status === 200) answered += 1
    running.turn()
  }
  if (answered < answeredShareMin * asks) {
    trial.found(`${what}: ${answered} of a light client's ${asks} calls were answered`)
  }
}

/** Asks on a connection of its own; with a body, by POST. */
async function asked(url: string, body?: string): Promise<{ readonly status: number | string }> {
  const headers = { connection: "close", "content-type": "application/json" }
  try {
    const response = await fetch(
      url,
      body === undefined ? { headers } : { method: "POST", headers, body },
    )
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
