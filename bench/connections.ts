/**
 * What it costs to close connections that have grown old, so that clients come to know new replicas:
 * the defaults of `connectionRequestsMax` and `connectionAgeMs` are chosen by this.
 */
import { emptyStream, machineColumns, machineFigures, measurePeer, streamOf } from "./measure.ts"
import { pick } from "./peers/peers.ts"
import { type Bench, measureRounds } from "./report.ts"

const [capstan] = pick("capstan")
const bounds: readonly (readonly [requestsMax: number, ageMs: number])[] = [
  [0, 0],
  [100, 0],
  [1000, 0],
  [10_000, 0],
  [0, 5000],
  [0, 15_000],
  [0, 30_000],
]

export const connections: Bench = {
  name: "connections",
  question:
    "What do bounds on a connection's requests and age cost, with 64 connections kept alive?",
  async run({ rounds, durationMs, spinIterations }) {
    const rows = await measureRounds(
      rounds,
      bounds.map(([requestsMax, ageMs]) => ({
        title: `${requestsMax || "any number of"} requests, ${ageMs ? `${ageMs / 1000} s` : "any age"}`,
        async measure(round) {
          const flags = [
            ...["--connection-requests-max", `${requestsMax}`],
            ...["--connection-age-ms", `${ageMs}`],
          ]
          const measured = await measurePeer(capstan!, { spinIterations, flags }, ({ origin }) => ({
            seed: round,
            warmupMs: 3000,
            durationMs,
            streams: [emptyStream(origin, { kind: "closed", connections: 64 })],
          }))
          const stream = streamOf(measured, "empty")
          return {
            perSecond: stream.goodPerSecond,
            p50: stream.latencyMs.p50,
            p99: stream.latencyMs.p99,
            opened: (1000 * stream.connectionsOpened) / durationMs,
            failed: stream.offered - (stream.outcomes["200"] ?? 0),
            ...machineFigures(measured),
          }
        },
      })),
    )
    return {
      columns: [
        { key: "perSecond", title: "requests/s", digits: 0 },
        { key: "p50", title: "p50, ms", digits: 2 },
        { key: "p99", title: "p99, ms", digits: 2 },
        { key: "opened", title: "connections opened, /s", digits: 1 },
        { key: "failed", title: "requests lost", digits: 0 },
        ...machineColumns,
      ],
      rows,
      requirements: [
        {
          what: "requests lost, all bounds and rounds together",
          is: [...rows.values()].flat().reduce((sum, figures) => sum + (figures.failed ?? 0), 0),
          must: "at most",
          bound: 0,
        },
      ],
    }
  },
}
