/**
 * What is told of a target that stands still: one second in every ten, under 500 requests a second
 * that come all the same. Of the 5000 of a cycle 500 are due while it stands; they wait for what is
 * left of that second, evenly from 0 to 1000 ms, and the rest next to nothing. So the slowest
 * hundredth, 50, begins at 900 ms: that is the exact p99.
 */
import {
  autocannon,
  capstan,
  figures,
  prepareVegeta,
  startTarget,
  vegeta,
} from "./load/generators.ts"
import { type Bench, type Contender, type Figures, measureRounds, median } from "./report.ts"

const perSecond = 500
const exactMs = 900

export const loadStall: Bench = {
  name: "load-stall",
  question: `A target that stands still for 1 s in 10, open model at ${perSecond}/s: what p99 is told? By hand: ${exactMs} ms.`,
  async run({ rounds, durationMs }) {
    // Whole cycles, or the exact value is another.
    const seconds = Math.max(10, Math.round(durationMs / 10_000) * 10)
    const hasVegeta = await prepareVegeta()
    const rows = await measureRounds(rounds, [
      contender("Capstan", async (origin) => {
        const flags = ["--rate", `${perSecond}/s`, "--run-time", `${seconds}s`]
        const { ran, result } = await capstan("bench/load/home.ts", origin, flags)
        const { requests, failures, latency } = result.total
        const p99Ms = latency.percentilesMs[99] ?? Number.NaN
        return figures(ran, result.durationMs / 1000, { requests, failures, p99Ms })
      }),
      contender("autocannon", (origin) => autocannon(origin, seconds, { rate: perSecond })),
      ...(hasVegeta ? [contender("vegeta", (origin) => vegeta(origin, seconds, perSecond))] : []),
    ])
    return {
      columns: [
        { key: "p99", title: "p99, ms", digits: 1 },
        { key: "off", title: "off the exact value, %", digits: 2 },
        { key: "perSecond", title: "requests/s", digits: 1 },
        { key: "failed", title: "failed", digits: 0 },
      ],
      rows,
      requirements: [
        {
          what: "p99, off the exact value, %",
          is: median(rows, "Capstan", "off"),
          must: "at most",
          bound: 1,
        },
      ],
      notes: [
        "Locust has no open model. k6 is not measured: the bench installs nothing that is under the AGPL.",
      ],
    }
  },
}

function contender(title: string, measure: (origin: string) => Promise<Figures>): Contender {
  return {
    title,
    async measure() {
      await using target = await startTarget("stall")
      const measured = await measure(target.origin)
      const { p99 = Number.NaN } = measured
      return { ...measured, off: (100 * Math.abs(p99 - exactMs)) / exactMs }
    },
  }
}
