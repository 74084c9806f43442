/**
 * What it costs that a worker is a process: round trips of an empty call, and of a megabyte each way,
 * its start and its memory, beside a worker that is a thread. One call at a time, all in turn within
 * one run, so that the ratios hold on a busy machine as well.
 */
import { run } from "./harness.ts"
import { type Bench, byRound, type Figures, measureRounds } from "./report.ts"

const loads = [
  ["an empty call", 0],
  ["1 MB each way", 1_000_000],
] as const
const kinds = ["thread", "process"] as const

export const isolation: Bench = {
  name: "isolation",
  question: "What does a worker cost that is a process, beside one that is a thread?",
  async run({ rounds }) {
    const rows = await measureRounds(
      rounds,
      loads.flatMap(([load, bytes]) =>
        kinds.map((kind) => ({
          title: `${kind}, ${load}`,
          async measure(): Promise<Figures> {
            const args = ["bench/isolated-trip.ts", kind, String(bytes)]
            return JSON.parse(await run(process.execPath, args))
          },
        })),
      ),
    )
    const ratio = (load: string, key: string): string => {
      const titles = [`process, ${load}`, `thread, ${load}`] as const
      return byRound(rows, titles, key, (process, thread) => process / thread).toFixed(1)
    }
    return {
      columns: [
        { key: "p50", title: "median, µs", digits: 1 },
        { key: "mean", title: "mean, µs", digits: 1 },
        { key: "p99", title: "p99, µs", digits: 1 },
        { key: "startMs", title: "start, ms", digits: 0 },
        { key: "memoryMiB", title: "memory, MiB", digits: 0 },
      ],
      rows,
      notes: [
        ...loads.map(
          ([load]) => `Process ÷ thread, median round trip, ${load}: ${ratio(load, "p50")}.`,
        ),
        `Process ÷ thread, start: ${ratio(loads[0][0], "startMs")}.`,
        "Memory is what nobody shares, of a worker that has not been called yet.",
      ],
    }
  },
}
