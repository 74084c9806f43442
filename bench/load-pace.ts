/** Whether an open model keeps its pace: 2000 requests a second, all of them, and none late. */
import { capstan, startTarget } from "./load/generators.ts"
import { type Bench, measureRounds, median } from "./report.ts"

const perSecond = 2000

export const loadPace: Bench = {
  name: "load-pace",
  question: `An open model at ${perSecond}/s: are all arrivals sent, and how late?`,
  async run({ rounds, durationMs }) {
    // A minute where the others take ten seconds.
    const seconds = Math.round((6 * durationMs) / 1000)
    const rows = await measureRounds(rounds, [
      {
        title: "Capstan",
        async measure() {
          await using target = await startTarget()
          const flags = ["--rate", `${perSecond}/s`, "--run-time", `${seconds}s`]
          const { ran, result } = await capstan("bench/load/home.ts", target.origin, flags)
          const { requests, failures, latency } = result.total
          const { lagMs } = result.generator
          return {
            missing: perSecond * seconds - requests,
            failed: failures,
            lagP50: lagMs.p50,
            lagP99: lagMs.p99,
            lagMax: lagMs.max,
            p99: latency.percentilesMs[99] ?? Number.NaN,
            cores: ran.cpuS / seconds,
          }
        },
      },
    ])
    return {
      columns: [
        { key: "missing", title: "arrivals not sent", digits: 0 },
        { key: "failed", title: "failed", digits: 0 },
        { key: "lagP50", title: "late p50, ms", digits: 2 },
        { key: "lagP99", title: "late p99, ms", digits: 2 },
        { key: "lagMax", title: "late max, ms", digits: 1 },
        { key: "p99", title: "latency p99, ms", digits: 2 },
        { key: "cores", title: "generator, cores", digits: 2 },
      ],
      rows,
      requirements: [
        {
          what: "arrivals not sent",
          is: median(rows, "Capstan", "missing"),
          must: "at most",
          bound: 0,
        },
        {
          what: "late at p99, ms",
          is: median(rows, "Capstan", "lagP99"),
          must: "at most",
          bound: 5,
        },
      ],
      notes: [`${seconds} s each.`],
    }
  },
}
