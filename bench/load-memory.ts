/** Whether memory stays flat: what the generator holds after 5 million requests against 100 000. */
import { pinned, startTarget } from "./load/generators.ts"
import { type Bench, measureRounds, median } from "./report.ts"

const few = 100_000
const many = 5_000_000

export const loadMemory: Bench = {
  name: "load-memory",
  question: `What does a generator hold in memory after ${many / 1e6} million requests, against ${few}?`,
  async run() {
    // Minutes, whatever the length of a round, and the same each time.
    const rows = await measureRounds(1, [
      {
        title: "Capstan",
        async measure() {
          await using target = await startTarget()
          const { stdout } = await pinned(process.execPath, [
            ...["--conditions=capstan-source", "--expose-gc", "bench/load/memory.ts"],
            ...[target.origin, `${few}`, `${many}`],
          ])
          const [early, late] = JSON.parse(stdout)
          return {
            earlyMiB: early.residentMiB,
            lateMiB: late.residentMiB,
            earlyHeapMiB: early.heapMiB,
            lateHeapMiB: late.heapMiB,
            ratio: late.residentMiB / early.residentMiB,
            failed: late.failures,
          }
        },
      },
    ])
    return {
      columns: [
        { key: "earlyMiB", title: "resident after 100 000, MiB", digits: 0 },
        { key: "lateMiB", title: "after 5 000 000, MiB", digits: 0 },
        { key: "earlyHeapMiB", title: "heap after 100 000, MiB", digits: 1 },
        { key: "lateHeapMiB", title: "after 5 000 000, MiB", digits: 1 },
        { key: "ratio", title: "resident, later ÷ earlier", digits: 2 },
        { key: "failed", title: "failed", digits: 0 },
      ],
      rows,
      requirements: [
        {
          what: "memory after 5 million requests ÷ after 100 000",
          is: median(rows, "Capstan", "ratio"),
          must: "at most",
          bound: 1.1,
        },
      ],
      notes: ["Heap: what is left behind a collection, native memory included. One round."],
    }
  },
}
