/**
 * Does the demand signal tell what is asked for, whatever there is to do it with? Three cores' worth
 * of work on two cores, served by two, four and eight workers.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { fetchText } from "./harness.ts"
import { machineColumns, machineFigures, spin20Stream, streamOf, underLoad } from "./measure.ts"
import { pick } from "./peers/peers.ts"
import { type Bench, measureRounds, median, spread } from "./report.ts"

const [capstan] = pick("capstan")
const workerCounts = [2, 4, 8]
const offeredCores = 3
const callMs = 20
/** What is told is the highest level of the last 20 s, and a level is the mean of 10: the start must be forgotten. */
const warmupMs = 32_000

export const demand: Bench = {
  name: "demand",
  question: `What does /demand say when ${offeredCores} cores' work is offered on 2?`,
  async run({ rounds, durationMs, spinIterations }) {
    const rows = await measureRounds(
      rounds,
      workerCounts.map((workers) => ({
        title: `${workers} workers`,
        async measure(round) {
          const flags = ["--workers", `${workers}`]
          await using running = await capstan!.start({ spinIterations, flags })
          const said = watchDemand(running.livez.origin, warmupMs)
          const measured = await underLoad(running, {
            seed: round,
            warmupMs,
            durationMs,
            streams: [spin20Stream(running.origin, (offeredCores * 1000) / callMs, 1000)],
          }).finally(said.stop)
          const spin20 = streamOf(measured, "spin20")
          return {
            ...(await said.values),
            // As the arrivals came by chance.
            offered: (spin20.offered * callMs) / durationMs,
            goodput: spin20.goodPerSecond,
            ...machineFigures(measured),
          }
        },
      })),
    )
    return {
      columns: [
        { key: "cores", title: "/demand, cores, median", digits: 2 },
        { key: "coresMin", title: "lowest", digits: 2 },
        { key: "coresMax", title: "highest", digits: 2 },
        { key: "offered", title: "offered, cores", digits: 2 },
        { key: "goodput", title: "goodput, /s", digits: 1 },
        ...machineColumns,
      ],
      rows,
      requirements: workerCounts.flatMap((workers) => {
        const is = median(rows, `${workers} workers`, "cores")
        const what = `demand with ${workers} workers, cores`
        return [
          { what, is, must: "at least", bound: offeredCores * 0.9 },
          { what, is, must: "at most", bound: offeredCores * 1.1 },
        ] as const
      }),
    }
  },
}

interface DemandWatch {
  stop(): void
  readonly values: Promise<{
    readonly cores: number
    readonly coresMin: number
    readonly coresMax: number
  }>
}

/** Reads /demand twice a second from `afterMs` on until stopped. */
function watchDemand(origin: string, afterMs: number): DemandWatch {
  const stopping = new AbortController()
  const watch = async (): Promise<Awaited<DemandWatch["values"]>> => {
    const said: number[] = []
    const pause = (ms: number): Promise<unknown> =>
      sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined)
    await pause(afterMs)
    while (!stopping.signal.aborted) {
      const answer = await fetchText(`${origin}/demand`)
      if (answer?.status === 200) said.push((JSON.parse(answer.text) as { cores: number }).cores)
      await pause(500)
    }
    const { median, min, max } = spread(said)
    return { cores: median, coresMin: min, coresMax: max }
  }
  return { stop: () => stopping.abort(), values: watch() }
}
