/**
 * The round trip of a call that does nothing: from `submit` on the main thread to its outcome there.
 * Ours checks the answer and makes the JSON of it on the worker; Piscina and plain `postMessage`, the
 * floor, only pass a value. One call at a time, so it is the way that is measured.
 *
 * Twice: on all cores, where much of the time is an idle core waking up, which on a virtual machine
 * can be tens of microseconds for anybody; and on one core, where only what is done counts. A busy
 * server is like the second.
 */
import { run } from "./harness.ts"
import { type Bench, byRound, type Figures, measureRounds } from "./report.ts"

const ways = [
  ["plain postMessage", "postMessage"],
  ["Piscina", "piscina"],
  ["Capstan's pool", "capstan"],
] as const
const places = [
  ["all cores", []],
  ["one core", ["taskset", "--cpu-list", "0"]],
] as const

export const pool: Bench = {
  name: "pool",
  question: "How long is the round trip of an empty call through the pool, against Piscina?",
  async run({ rounds }) {
    const rows = await measureRounds(
      rounds,
      places.flatMap(([place, prefix]) =>
        ways.map(([title, way]) => ({
          title: `${title}, ${place}`,
          async measure(): Promise<Figures> {
            const [command = "", ...args] = [...prefix, process.execPath]
            return JSON.parse(await run(command, [...args, "bench/round-trip.ts", way]))
          },
        })),
      ),
    )
    const ratio = (place: string): number =>
      byRound(rows, [`Capstan's pool, ${place}`, `Piscina, ${place}`], "p50", (a, b) => a / b)
    return {
      columns: [
        { key: "p50", title: "median, µs", digits: 1 },
        { key: "mean", title: "mean, µs", digits: 1 },
        { key: "p99", title: "p99, µs", digits: 1 },
        { key: "cpuUs", title: "CPU, µs", digits: 1 },
      ],
      rows,
      requirements: places.map(([place]) => ({
        what: `round trip ÷ Piscina's, ${place}`,
        is: ratio(place),
        must: "at most",
        bound: 0.6,
      })),
    }
  },
}
