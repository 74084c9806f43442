/** `hello` requests a second against FastAPI, for the same n's in the same order. */
import { helloStream, machineColumns, machineFigures, measurePeer, streamOf } from "./measure.ts"
import { pick } from "./peers/peers.ts"
import { type Bench, measureRounds, median } from "./report.ts"
import { numbers } from "./work.ts"

const contenders = pick("capstan", "fastapi-1", "fastapi-2")
const bodies = numbers.map((n) => JSON.stringify({ n }))

export const fastapi: Bench = {
  name: "fastapi",
  question: "How many hello requests a second, against FastAPI on the same machine?",
  async run({ rounds, durationMs, spinIterations }) {
    for (const peer of contenders) await peer.prepare?.()
    const rows = await measureRounds(
      rounds,
      contenders.map((peer) => ({
        title: peer.title,
        async measure(round) {
          const measured = await measurePeer(peer, { spinIterations }, ({ origin }) => ({
            seed: round,
            warmupMs: 3000,
            durationMs,
            streams: [helloStream(origin, 64, bodies)],
          }))
          const hello = streamOf(measured, "hello")
          return {
            perSecond: hello.goodPerSecond,
            p50: hello.latencyMs.p50,
            p99: hello.latencyMs.p99,
            failed: hello.offered - (hello.outcomes["200"] ?? 0),
            ...machineFigures(measured),
          }
        },
      })),
    )
    const perSecond = (title: string): number => median(rows, title, "perSecond")
    return {
      columns: [
        { key: "perSecond", title: "requests/s", digits: 0 },
        { key: "p50", title: "p50, ms", digits: 1 },
        { key: "p99", title: "p99, ms", digits: 1 },
        { key: "failed", title: "errors", digits: 0 },
        ...machineColumns,
      ],
      rows,
      requirements: [
        {
          what: "requests/s ÷ FastAPI with one process, as the original is started",
          is: perSecond("Capstan") / perSecond("FastAPI, 1 process"),
          must: "at least",
          bound: 10,
        },
        {
          what: "requests/s ÷ FastAPI with two processes",
          is: perSecond("Capstan") / perSecond("FastAPI, 2 processes"),
          must: "at least",
          bound: 10,
        },
      ],
    }
  },
}
