/**
 * What is left of a server when it is asked for four times what two cores can do? Calls of 20 ms
 * arrive by chance (Poisson), whatever the server does, from clients that wait for one second.
 *
 * An answer counts when its client still waited for it. The CPU that handlers spent on all others is
 * wasted: each call costs the same, so it is counted in calls, those begun less those answered in time.
 */
import {
  type Measured,
  machineColumns,
  machineFigures,
  measurePeer,
  spin20Stream,
  streamOf,
} from "./measure.ts"
import { pick } from "./peers/peers.ts"
import { type Bench, type Figures, measureRounds } from "./report.ts"

const contenders = pick(
  "capstan",
  "fastify",
  "fastify-piscina",
  "fastify-piscina-bounded",
  "watt",
  "fastapi-1",
  "fastapi-2",
)
const callMs = 20
/** 4 × 2 cores. */
export const overloadPerSecond = (4 * 2 * 1000) / callMs
const patienceMs = 1000
/** Long enough for queues without a bound to grow past the clients' patience. */
const warmupMs = 5000

export const overload: Bench = {
  name: "overload",
  question:
    "What is left at 4 × what two cores can do (20 ms of work, Poisson arrivals, clients give up after 1 s)?",
  async run({ rounds, durationMs, spinIterations }) {
    for (const peer of contenders) await peer.prepare?.()
    const rows = await measureRounds(
      rounds,
      contenders.map((peer) => ({
        title: peer.title,
        measure: async (round) =>
          figures(
            await measurePeer(peer, { spinIterations, countsCalls: true }, ({ origin }) => ({
              seed: round,
              warmupMs,
              durationMs,
              streams: [spin20Stream(origin, overloadPerSecond, patienceMs)],
            })),
          ),
      })),
    )
    return {
      columns: [
        { key: "goodput", title: "goodput, /s", digits: 1 },
        { key: "okP50", title: "p50 of 2xx, ms", digits: 0 },
        { key: "okP99", title: "p99 of 2xx, ms", digits: 0 },
        { key: "refused", title: "refused, %", digits: 1 },
        { key: "gaveUp", title: "gave up, %", digits: 1 },
        { key: "late", title: "504, %", digits: 1 },
        { key: "failed", title: "other errors, %", digits: 1 },
        { key: "wasted", title: "CPU wasted, % of handlers'", digits: 1 },
        { key: "wastedCores", title: "CPU wasted, cores", digits: 2 },
        { key: "lagP99", title: "generator lag p99, ms", digits: 1 },
        ...machineColumns,
      ],
      rows,
      notes: [
        "FastAPI's 20 ms are a loop of its own, calibrated to the same CPU time; all others run the same code.",
      ],
    }
  },
}

function figures(measured: Measured): Figures {
  const { used } = measured
  const spin20 = streamOf(measured, "spin20")
  const { offered, outcomes, goodPerSecond } = spin20
  const share = (count: number): number => (100 * count) / offered
  const ok = outcomes["200"] ?? 0
  const refused = outcomes["503"] ?? 0
  const gaveUp = outcomes.timeout ?? 0
  const late = outcomes["504"] ?? 0
  const inTime = (goodPerSecond * used.atMs) / 1000
  const wasted = Math.max(0, used.begun - inTime)
  return {
    goodput: goodPerSecond,
    ...(spin20.latencyMsByOutcome["200"] && {
      okP50: spin20.latencyMsByOutcome["200"].p50,
      okP99: spin20.latencyMsByOutcome["200"].p99,
    }),
    refused: share(refused),
    gaveUp: share(gaveUp),
    late: share(late),
    failed: share(offered - ok - refused - gaveUp - late),
    wasted: used.begun === 0 ? 0 : (100 * wasted) / used.begun,
    wastedCores: (wasted * callMs) / used.atMs,
    lagP99: spin20.lagMs.p99,
    ...machineFigures(measured),
  }
}
