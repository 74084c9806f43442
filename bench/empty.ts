/**
 * What the way to a worker and back costs: an operation that does nothing, on a worker, against
 * Fastify answering the same on the thread that serves. 64 connections, each asking again at once.
 */
import { emptyStream, machineColumns, machineFigures, measurePeer, streamOf } from "./measure.ts"
import { type Peer, pick, type StartOptions } from "./peers/peers.ts"
import { type Bench, type Contender, measureRounds, median } from "./report.ts"

const [capstan, fastify, piscina] = pick("capstan", "fastify", "fastify-piscina")

export const empty: Bench = {
  name: "empty",
  question:
    "How many empty operations a second, on a worker, against raw Fastify answering inline?",
  async run({ rounds, durationMs, spinIterations }) {
    const contender = (title: string, peer: Peer, more: Partial<StartOptions> = {}): Contender => ({
      title,
      async measure(round) {
        const measured = await measurePeer(peer, { spinIterations, ...more }, ({ origin }) => ({
          seed: round,
          warmupMs: 3000,
          durationMs,
          streams: [emptyStream(origin, { kind: "closed", connections: 64 })],
        }))
        const stream = streamOf(measured, "empty")
        const requests = (stream.answeredPerSecond * measured.used.atMs) / 1000
        return {
          perSecond: stream.goodPerSecond,
          p50: stream.latencyMs.p50,
          p99: stream.latencyMs.p99,
          failed: stream.offered - (stream.outcomes["200"] ?? 0),
          cpuUs: (1000 * measured.used.cpuMs) / requests,
          ...machineFigures(measured),
        }
      },
    })
    const rows = await measureRounds(rounds, [
      contender("Fastify inline, no log", fastify!),
      contender("Fastify inline, a line a request", fastify!, { logsRequests: true }),
      contender("Capstan, log level warn", capstan!),
      contender("Capstan, default logging", capstan!, { flags: ["--log-level", "info"] }),
      contender("Fastify + Piscina, no log", piscina!),
    ])
    const perSecond = (title: string): number => median(rows, title, "perSecond")
    return {
      columns: [
        { key: "perSecond", title: "requests/s", digits: 0 },
        { key: "p50", title: "p50, ms", digits: 2 },
        { key: "p99", title: "p99, ms", digits: 2 },
        { key: "failed", title: "errors", digits: 0 },
        { key: "cpuUs", title: "server CPU a request, µs", digits: 0 },
        ...machineColumns,
      ],
      rows,
      requirements: [
        {
          what: "requests/s on a worker ÷ raw Fastify inline, both without a log",
          is: perSecond("Capstan, log level warn") / perSecond("Fastify inline, no log"),
          must: "at least",
          bound: 0.5,
        },
        {
          what: "the same, both with a line a request",
          is: perSecond("Capstan, default logging") / perSecond("Fastify inline, a line a request"),
          must: "at least",
          bound: 0.5,
        },
      ],
      notes: [
        "Where the generator used nearly a whole core, it is the generator that set the pace.",
      ],
    }
  },
}
