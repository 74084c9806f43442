/**
 * How long the autoscaler takes for a day: 24 hours of a service with ten replicas on average, a
 * decision every 15 s, on simulated time, the pods and their metrics included. A plan tries hundreds
 * of such days, so this is what a person waits for.
 */
import { run } from "./harness.ts"
import { type Bench, type Figures, measureRounds, median } from "./report.ts"

const day = "24 hours, a decision every 15 s"

export const autoscale: Bench = {
  name: "autoscale",
  question: "How long do 24 simulated hours of a service with ten replicas take?",
  async run({ rounds }) {
    const rows = await measureRounds(rounds, [
      {
        title: day,
        async measure(): Promise<Figures> {
          return JSON.parse(await run(process.execPath, ["bench/simulated-day.ts"]))
        },
      },
    ])
    return {
      columns: [
        { key: "firstMs", title: "the first in a process, ms", digits: 1 },
        { key: "firstCpuMs", title: "CPU of its thread, ms", digits: 1 },
        { key: "laterMs", title: "a later one, ms", digits: 1 },
        { key: "syncUs", title: "a sync of it, µs", digits: 2 },
        { key: "replicas", title: "replicas, mean", digits: 1 },
      ],
      rows,
      requirements: [
        {
          what: "the first simulated day in a process, ms",
          is: median(rows, day, "firstMs"),
          must: "at most",
          bound: 100,
        },
      ],
    }
  },
}
