/**
 * What it costs to have Capstan's balancer in front: the time that it adds at half load, and how many
 * empty operations a second get through, with nginx in the same place in front of the same replicas.
 */
import type { Plan, Stream, StreamReport } from "./generator/plan.ts"
import type { Server } from "./harness.ts"
import { emptyStream, lagColumn, type Measured, streamOf, underLoad } from "./measure.ts"
import { type Front, findNginx, startBalancer, startNginx } from "./peers/fronts.ts"
import { pick, type RunningPeer } from "./peers/peers.ts"
import { type Bench, byRound, type Contender, measureRounds, median } from "./report.ts"

const [capstan] = pick("capstan")
const warmupMs = 3000
/** Requests a second from which the rate that can be sustained is looked for. */
const lowestRate = 1000
/** Above this a request has waited in a queue. */
const atOnceMs = 25

/** Who stands in front. */
type StartFront = (origins: readonly string[]) => Promise<Front>

const ours = "Capstan's balancer"
const direct = "nothing in front, one replica"

export const balancer: Bench = {
  name: "balancer",
  question: "What does the balancer of `capstan up` cost, against nginx in the same place?",
  async run({ rounds, durationMs, spinIterations }) {
    const replica = (): Promise<RunningPeer> =>
      capstan!.start({ spinIterations, flags: ["--workers", "1"] })
    const plan = (origin: string, seed: number, arrivals: Stream["arrivals"]): Plan => ({
      seed,
      warmupMs,
      durationMs,
      streams: [emptyStream(origin, arrivals)],
    })
    /** As many as come through: 64 connections, two replicas. */
    const flatOut = async (start: StartFront, round: number): Promise<Loaded> => {
      await using one = await replica()
      await using two = await replica()
      await using front = await start([one.origin, two.origin])
      return await load(front, plan(front.origin, round, { kind: "closed", connections: 64 }))
    }
    /** At a rate, with one replica, so that the same load can be put on it directly. */
    const atRate = async (
      start: StartFront | undefined,
      round: number,
      ratePerSecond: number,
    ): Promise<Loaded> => {
      await using one = await replica()
      await using front = await start?.([one.origin])
      const { origin } = front ?? one
      return await load(front ?? one, plan(origin, round, { kind: "poisson", ratePerSecond }))
    }

    const notes: string[] = []
    const fronts = new Map<string, StartFront>([[ours, startBalancer]])
    try {
      const program = await findNginx()
      fronts.set("nginx", (origins) => startNginx(program, origins))
    } catch (error) {
      notes.push("nginx could not be had here: WITHOUT IT THERE IS NOTHING TO COMPARE WITH.")
      process.stderr.write(`  nginx is left out: ${error}\n`)
    }

    const capacity = await sustainable(async (ratePerSecond) => {
      const { stream } = await atRate(startBalancer, 0, ratePerSecond)
      return stream
    })
    const ratePerSecond = capacity / 2

    const rows = await measureRounds(rounds, [
      {
        title: direct,
        measure: async (round) => halfLoad(await atRate(undefined, round, ratePerSecond)),
      },
      ...Array.from(
        fronts,
        ([title, start]): Contender => ({
          title,
          async measure(round) {
            const half = await atRate(start, round, ratePerSecond)
            const full = await flatOut(start, round)
            return {
              ...halfLoad(half),
              halfCpuUs: cpuUs(half),
              perSecond: full.stream.goodPerSecond,
              fullP99: full.stream.latencyMs.p99,
              failed: failuresOf(half.stream) + failuresOf(full.stream),
              cpuUs: cpuUs(full),
              frontCores: full.measured.used.cpuMs / full.measured.used.atMs,
              generatorCores: full.measured.generatorCores,
            }
          },
        }),
      ),
    ])
    const added = (key: string, title = ours): number =>
      byRound(rows, [title, direct], key, (a, b) => a - b)
    if (fronts.has("nginx")) {
      notes.push(
        `nginx adds ${added("p50", "nginx").toFixed(2)} ms at p50 and ${added("p99", "nginx").toFixed(2)} ms at p99, at the same load.`,
      )
    }
    return {
      columns: [
        { key: "p50", title: "half load, p50, ms", digits: 2 },
        { key: "p99", title: "half load, p99, ms", digits: 2 },
        { key: "halfCpuUs", title: "half load, CPU a request in front, µs", digits: 0 },
        lagColumn,
        { key: "perSecond", title: "flat out, requests/s", digits: 0 },
        { key: "fullP99", title: "flat out, p99, ms", digits: 1 },
        { key: "failed", title: "errors", digits: 0 },
        { key: "cpuUs", title: "flat out, CPU a request in front, µs", digits: 0 },
        { key: "frontCores", title: "in front, cores", digits: 2 },
        { key: "generatorCores", title: "generator, cores", digits: 2 },
      ],
      rows,
      requirements: [
        { what: "added at half load, p50, ms", is: added("p50"), must: "at most", bound: 0.3 },
        { what: "added at half load, p99, ms", is: added("p99"), must: "at most", bound: 1 },
        {
          what: "requests/s ÷ nginx's, two replicas",
          is: median(rows, ours, "perSecond") / median(rows, "nginx", "perSecond"),
          must: "at least",
          bound: 0.3,
        },
      ],
      notes: [
        `Half load is ${ratePerSecond.toFixed(0)} requests/s, arriving by chance (Poisson): half of the highest rate at which one replica behind the balancer still answered 99 % within ${atOnceMs} ms.`,
        "Replicas, generator and whatever is in front share the same two cores.",
        ...notes,
      ],
    }
  },
}

interface Loaded {
  readonly measured: Measured
  readonly stream: StreamReport
}

/**
 * The highest rate of single requests that is still answered at once, to a quarter. What a closed loop
 * comes to is no measure of it: there one wake-up serves many requests, and where they come one by
 * one each costs a wake-up of everybody.
 */
async function sustainable(
  measure: (ratePerSecond: number) => Promise<StreamReport>,
): Promise<number> {
  let ratePerSecond = lowestRate
  for (;;) {
    const next = Math.round(ratePerSecond * 1.25)
    const stream = await measure(next)
    process.stderr.write(`  ${next}/s: p99 ${stream.latencyMs.p99.toFixed(1)} ms\n`)
    if (failuresOf(stream) > 0 || !(stream.latencyMs.p99 <= atOnceMs)) return ratePerSecond
    ratePerSecond = next
  }
}

/** @param counted whose CPU time is read. */
async function load(counted: Server, plan: Plan): Promise<Loaded> {
  const measured = await underLoad(counted, plan)
  return { measured, stream: streamOf(measured, "empty") }
}

function halfLoad({ stream }: Loaded): { readonly [key in "p50" | "p99" | "lagP99"]: number } {
  return { p50: stream.latencyMs.p50, p99: stream.latencyMs.p99, lagP99: stream.lagMs.p99 }
}

function cpuUs({ measured, stream }: Loaded): number {
  const { cpuMs, atMs } = measured.used
  return (1000 * cpuMs) / ((stream.answeredPerSecond * atMs) / 1000)
}

function failuresOf({ offered, outcomes }: StreamReport): number {
  return offered - (outcomes["200"] ?? 0)
}
