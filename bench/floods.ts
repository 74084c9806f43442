/**
 * How soon do the liveness probe and a light client's calls get their answers while another address
 * floods? What floods is a process of its own and comes from another address than all others; probes
 * and calls come from a third process that does nothing else, each on a new connection, and count from
 * when they were meant to be sent.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import type { FloodPlan } from "./generator/flood.ts"
import { type FloodTarget, type floods, get } from "./generator/floods.ts"
import { priorityNote } from "./generator/generate.ts"
import { probe, spin20Stream, streamOf, underLoad } from "./measure.ts"
import { findNginx, startNginx } from "./peers/fronts.ts"
import { type Peer, pick, type RunningPeer, type StartOptions } from "./peers/peers.ts"
import { type Bench, type Figures, measureRounds, median } from "./report.ts"

const [capstan, fastify, fastapi] = pick("capstan", "fastify-piscina-bounded", "fastapi-1") as [
  Peer,
  Peer,
  Peer,
]

/** A server, whoever stands in front of it. */
interface Flooded extends Pick<Peer, "title" | "prepare"> {
  start(
    options: StartOptions,
  ): Promise<Pick<RunningPeer, "origin" | "livez" | "usage" | "residentMiB"> & AsyncDisposable>
}

let nginx = ""
const contenders: readonly Flooded[] = [
  capstan,
  { ...fastify, title: "Fastify + Piscina" },
  {
    title: "nginx, Fastify + Piscina",
    async prepare() {
      nginx = await findNginx()
    },
    async start(options) {
      const behind = await fastify.start(options)
      try {
        const front = await startNginx(nginx, [behind.origin])
        return {
          origin: front.origin,
          livez: { origin: front.origin, path: behind.livez.path },
          usage: () => behind.usage(),
          residentMiB: () => front.residentMiB() + behind.residentMiB(),
          async [Symbol.asyncDispose]() {
            await front[Symbol.asyncDispose]()
            await behind[Symbol.asyncDispose]()
          },
        }
      } catch (error) {
        await behind[Symbol.asyncDispose]()
        throw error
      }
    },
  },
  fastapi,
]

const target: FloodTarget = {
  quick: "/ping",
  long: "/long",
  post: "/api/v1/hello",
  call: get("/spin20"),
}

/** Those that differ most in what they take, as many connections each as hurts somebody. */
const flooding: readonly {
  readonly name: (typeof floods)[number]["name"]
  readonly connections: number
}[] = [
  { name: "pings sent ahead", connections: 50 },
  { name: "long answers unread", connections: 150 },
  { name: "half of a body", connections: 200 },
  { name: "chunks of a byte", connections: 8 },
  { name: "heads by the byte", connections: 300 },
  { name: "nothing at all", connections: 3000 },
  { name: "leaving at once", connections: 300 },
  { name: "calls that never pause", connections: 500 },
]

const floodAddress = "127.0.0.2"
const probesPerSecond = 50
/** A light client: a tenth of a core. */
const callsPerSecond = 5
const patienceMs = 10_000
const warmupMs = 2000
const share = 3 / 10
const roundsMax = 3

const none = "no flood"
const titleOf = (flooded: Pick<Flooded, "title">, name: string): string =>
  `${name}: ${flooded.title}`

export const floodsBench: Bench = {
  name: "floods",
  question:
    "How soon are the liveness probe and a light client answered while another address floods?",
  async run({ rounds, durationMs, spinIterations }) {
    for (const contender of contenders) await contender.prepare?.()
    const all = [{ name: none, connections: 0 }, ...flooding]
    const rows = await measureRounds(
      Math.min(rounds, roundsMax),
      all.flatMap(({ name, connections }) =>
        contenders.map((contender) => ({
          title: titleOf(contender, name),
          async measure(round) {
            await using running = await contender.start({ spinIterations })
            const port = Number(new URL(running.origin).port)
            const plan = { name, connections, port, address: floodAddress, target }
            await using _flood = connections > 0 ? startFlood(plan) : undefined
            return await measureFlooded(running, round, durationMs * share)
          },
        })),
      ),
    )
    return {
      columns: [
        { key: "p50", title: "probe p50, ms", digits: 1 },
        { key: "p99", title: "probe p99, ms", digits: 1 },
        { key: "failed", title: "probes failed, %", digits: 0 },
        { key: "callP50", title: "call p50, ms", digits: 0 },
        { key: "callP99", title: "call p99, ms", digits: 0 },
        { key: "answered", title: "calls answered, %", digits: 0 },
        { key: "mib", title: "memory at the end, MiB", digits: 0 },
      ],
      rows,
      requirements: [
        ...flooding.map(({ name }) => ({
          what: `Capstan's probe p99, ms, ${name}`,
          is: median(rows, titleOf(capstan, name), "p99"),
          must: "at most" as const,
          bound: 20,
        })),
        ...flooding.map(({ name }) => ({
          what: `Capstan's light client, % of its calls answered, ${name}`,
          is: median(rows, titleOf(capstan, name), "answered"),
          must: "at least" as const,
          bound: 90,
        })),
      ],
      notes: [
        `Each for three tenths of the time said above, in ${roundsMax} rounds at most, from ${warmupMs / 1000} s after the flood has begun. ${probesPerSecond} probes a second and ${callsPerSecond} calls of 20 ms, each on a new connection, of 127.0.0.1; what floods is of ${floodAddress}, on the same two cores as the server. A probe or call counts as failed after ${patienceMs / 1000} s, and with that time.`,
        `Connections at a time, another one for each that ends: ${flooding.map(({ name, connections }) => `${connections} (${name})`).join(", ")}.`,
        "The probe is /livez of Capstan's management port, and a route /livez elsewhere, of which nginx is asked like any other client. nginx is set up as its documentation has it for a proxy, without limits for each address, which it has none of by default.",
        priorityNote("probes and calls"),
      ],
    }
  },
}

async function measureFlooded(
  running: Pick<RunningPeer, "origin" | "livez" | "usage" | "residentMiB">,
  seed: number,
  durationMs: number,
): Promise<Figures> {
  const { origin, livez } = running
  const measured = await underLoad(running, {
    seed,
    warmupMs,
    durationMs,
    streams: [],
    watchers: [
      { ...probe("livez", livez.origin, livez.path, probesPerSecond, true), timeoutMs: patienceMs },
      { ...spin20Stream(origin, callsPerSecond, patienceMs), freshConnections: true },
    ],
  })
  const probes = streamOf(measured, "livez")
  const calls = streamOf(measured, "spin20")
  const percent = (count: number, of: number): number => (100 * count) / Math.max(1, of)
  return {
    p50: probes.latencyMs.p50,
    p99: probes.latencyMs.p99,
    failed: percent(probes.offered - (probes.outcomes["200"] ?? 0), probes.offered),
    callP50: calls.latencyMs.p50,
    callP99: calls.latencyMs.p99,
    answered: percent(calls.outcomes["200"] ?? 0, calls.offered),
    mib: running.residentMiB(),
  }
}

function startFlood(plan: FloodPlan): AsyncDisposable {
  const child = fork(new URL("./generator/flood.ts", import.meta.url), [])
  child.send(plan)
  return {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(
          `The flood "${plan.name}" has ended (${child.signalCode ?? child.exitCode}).`,
        )
      }
      const ended = once(child, "exit")
      child.kill("SIGKILL")
      await ended
    },
  }
}
