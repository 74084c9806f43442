/**
 * What serving costs: calls of 20 ms done in time at 4 × overload, against the same function on bare
 * worker threads that have nothing else to do, neither HTTP nor three refusals for each call done.
 *
 * The load generator runs on the same two cores, and bare threads need none: so the ratio is given
 * twice, of all that the machine could do, and of what the generator left of it.
 */

import { run } from "./harness.ts"
import { machineColumns, machineFigures, measurePeer, spin20Stream, streamOf } from "./measure.ts"
import { overloadPerSecond } from "./overload.ts"
import { pick } from "./peers/peers.ts"
import { type Bench, measureRounds, type Requirement, type Rows, spread } from "./report.ts"

const [capstan] = pick("capstan")
const bareTitle = "bare worker threads"
const cores = 2
/** What the operation of bench/service.ts says. */
const deadlineMs = 1000
/**
 * Until then V8 still compiles: at 400 requests a second it takes its time, and meanwhile the main
 * thread uses half as much CPU again.
 */
const warmupMs = 20_000

export const goodput: Bench = {
  name: "goodput",
  question: "How much of what two bare worker threads can do is left behind HTTP at 4 × overload?",
  async run({ rounds, durationMs, spinIterations }) {
    const rows = await measureRounds(rounds, [
      {
        title: bareTitle,
        async measure() {
          const args = [spinIterations, 1000, durationMs].map(String)
          return { goodput: Number(await run(process.execPath, ["bench/bare.ts", ...args])) }
        },
      },
      {
        title: "Capstan",
        async measure(round) {
          const measured = await measurePeer(capstan!, { spinIterations }, ({ origin }) => ({
            seed: round,
            warmupMs,
            durationMs,
            // Longer than the deadline, to see what comes late.
            streams: [spin20Stream(origin, overloadPerSecond, 3 * deadlineMs)],
          }))
          const spin20 = streamOf(measured, "spin20")
          const { outcomes, latencyMsByOutcome: latency, offered } = spin20
          const known = ["200", "503", "504"].reduce((sum, it) => sum + (outcomes[it] ?? 0), 0)
          return {
            goodput: spin20.goodPerSecond,
            okP99: latency["200"]?.p99 ?? 0,
            late: outcomes["504"] ?? 0,
            rejectP50: latency["503"]?.p50 ?? 0,
            rejectP99: latency["503"]?.p99 ?? 0,
            failed: offered - known,
            lagP99: spin20.lagMs.p99,
            ...machineFigures(measured),
          }
        },
      },
    ])
    return {
      columns: [
        { key: "goodput", title: "done in time, /s", digits: 1 },
        { key: "okP99", title: "p99 of accepted, ms", digits: 0 },
        { key: "late", title: "504", digits: 0 },
        { key: "rejectP50", title: "time to reject p50, ms", digits: 2 },
        { key: "rejectP99", title: "time to reject p99, ms", digits: 2 },
        { key: "failed", title: "other errors", digits: 0 },
        { key: "lagP99", title: "generator lag p99, ms", digits: 1 },
        ...machineColumns,
      ],
      rows,
      requirements: requirements(rows),
    }
  },
}

function requirements(rows: Rows): readonly Requirement[] {
  const bare = rows.get(bareTitle) ?? []
  const ours = rows.get("Capstan") ?? []
  const of = (key: string): number => spread(ours.map((round) => round[key] ?? Number.NaN)).median
  // Round by round, so that what slowed one round slowed both.
  const ratios = ours.map((round, i) => (round.goodput ?? 0) / (bare[i]?.goodput ?? Number.NaN))
  const fair = ours.map(
    (round, i) => (ratios[i] ?? 0) * (cores / (cores - (round.generatorCores ?? 0))),
  )
  return [
    {
      what: "goodput ÷ bare worker threads",
      is: spread(ratios).median,
      must: "at least",
      bound: 0.97,
    },
    {
      what: "the same, of the CPU that the generator left",
      is: spread(fair).median,
      must: "at least",
      bound: 0.97,
    },
    { what: "p99 of accepted, ms", is: of("okP99"), must: "at most", bound: deadlineMs },
    { what: "p99 of the time to reject, ms", is: of("rejectP99"), must: "at most", bound: 10 },
  ]
}
