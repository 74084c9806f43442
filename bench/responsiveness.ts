/**
 * Does a server still answer what is quick while it computes on every core? 64 connections keep both
 * cores busy with `hello`. Apart from them a client asks for `/ping` on a connection that it keeps, and
 * an orchestrator probes, each time on a new one.
 */
import { mayRunFirst } from "./generator/generate.ts"
import {
  helloStream,
  lagColumn,
  machineColumns,
  machineFigures,
  measurePeer,
  probe,
  streamOf,
} from "./measure.ts"
import { pick } from "./peers/peers.ts"
import { type Bench, measureRounds, median } from "./report.ts"
import { numbers } from "./work.ts"

const contenders = pick("capstan", "fastify", "fastify-piscina", "watt", "fastapi-1", "fastapi-2")
const connections = 64
const probesPerSecond = 20
const bodies = numbers.map((n) => JSON.stringify({ n }))

export const responsiveness: Bench = {
  name: "responsiveness",
  question: `How soon do /ping and the liveness probe answer while ${connections} connections saturate hello on both cores?`,
  async run({ rounds, durationMs, spinIterations }) {
    for (const peer of contenders) await peer.prepare?.()
    const rows = await measureRounds(
      rounds,
      contenders.map((peer) => ({
        title: peer.title,
        async measure(round) {
          const measured = await measurePeer(peer, { spinIterations }, ({ origin, livez }) => ({
            seed: round,
            warmupMs: 3000,
            durationMs,
            streams: [helloStream(origin, connections, bodies)],
            watchers: [
              probe("ping", origin, "/ping", probesPerSecond, false),
              probe("livez", livez.origin, livez.path, probesPerSecond, true),
            ],
          }))
          const hello = streamOf(measured, "hello")
          const ping = streamOf(measured, "ping")
          const livez = streamOf(measured, "livez")
          return {
            pingP50: ping.latencyMs.p50,
            pingP99: ping.latencyMs.p99,
            livezP50: livez.latencyMs.p50,
            livezP99: livez.latencyMs.p99,
            livezMax: livez.latencyMs.max,
            failed:
              ping.offered +
              livez.offered -
              (ping.outcomes["200"] ?? 0) -
              (livez.outcomes["200"] ?? 0),
            hello: hello.goodPerSecond,
            lagP99: Math.max(ping.lagMs.p99, livez.lagMs.p99),
            ...machineFigures(measured),
          }
        },
      })),
    )
    return {
      columns: [
        { key: "pingP50", title: "/ping p50, ms", digits: 1 },
        { key: "pingP99", title: "/ping p99, ms", digits: 1 },
        { key: "livezP50", title: "probe p50, ms", digits: 1 },
        { key: "livezP99", title: "probe p99, ms", digits: 1 },
        { key: "livezMax", title: "probe max, ms", digits: 1 },
        { key: "failed", title: "of both failed", digits: 0 },
        { key: "hello", title: "hello, requests/s", digits: 0 },
        lagColumn,
        ...machineColumns,
      ],
      rows,
      requirements: [
        {
          what: "Capstan's /ping p99, ms",
          is: median(rows, "Capstan", "pingP99"),
          must: "at most",
          bound: 5,
        },
        {
          what: "Capstan's /livez p99, ms",
          is: median(rows, "Capstan", "livezP99"),
          must: "at most",
          bound: 5,
        },
      ],
      notes: [
        "The probe is /livez of Capstan's management port, /status of Watt's, and a route /livez like /ping elsewhere.",
        mayRunFirst
          ? "The client that pings and probes ran before all else (`chrt`): in truth it is on another machine, and the time that it waits here for a core is none of the server's."
          : "The client that pings and probes ran at the common priority (`chrt` could not be had): what it waited for a core is in the figures.",
      ],
    }
  },
}
