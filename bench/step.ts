/**
 * A step in load, ten times as much from one second to the next, and `capstan up` behind it: how long
 * until p95 is back under the objective, by what the autoscaler goes by.
 *
 * One replica, which may use one core, has a tenth of what it is to get. Then comes more than it can
 * do. By CPU use, which ends at one core and is the mean of a window that began before the step, the
 * need shows late; by demand it shows within seconds. The autoscaler looks every 15 s, as in
 * Kubernetes, so how long it takes depends on when the step comes: each round it comes a little
 * later, the same for both.
 */
import { availableParallelism } from "node:os"
import { load } from "../src/load/load.ts"
import { scenario } from "../src/load/scenario/scenario.ts"
import { freePort, startServer } from "./harness.ts"
import { spinIterationsVariable } from "./peers/functions.ts"
import { type Bench, type Figures, measureRounds, median } from "./report.ts"

const callMs = 20
const objectiveMs = 200
/** Of what all cores could do; the rest is the balancer's and the generator's. */
const stepShare = 0.65
const cores = availableParallelism()
const perSecond = (cores * stepShare * 1000) / callMs
const baseMs = 40_000
const afterMs = 60_000
const syncMs = 15_000
/** Back is what has been so for so many seconds in a row. */
const steadySeconds = 5

const signals = [
  { signal: "cpu", title: "CPU use" },
  { signal: "demand", title: "demand" },
] as const

export const step: Bench = {
  name: "step",
  question:
    "How long until p95 is back under 200 ms after a tenfold step in load, by CPU and demand?",
  async run({ rounds, spinIterations }) {
    const rows = await measureRounds(
      rounds,
      signals.map(({ signal, title }) => ({
        title,
        measure: (round) => measure(signal, spinIterations, (round / rounds) * syncMs),
      })),
    )
    return {
      columns: [
        { key: "recoveryS", title: "p95 back under 200 ms after, s", digits: 0 },
        { key: "scaledS", title: "second replica wanted after, s", digits: 0 },
        { key: "missed", title: "not answered in time, %", digits: 1 },
        { key: "replicas", title: "replicas at the end", digits: 0 },
        { key: "lagP99", title: "generator lag p99, ms", digits: 1 },
      ],
      rows,
      requirements: [
        {
          what: "recovery by demand ÷ by CPU",
          is: median(rows, "demand", "recoveryS") / median(rows, "CPU use", "recoveryS"),
          must: "at most",
          bound: 1,
        },
      ],
      notes: [
        `From ${(perSecond / 10).toFixed(1)} to ${perSecond.toFixed(0)} calls of ${callMs} ms a second, by chance (Poisson). Replicas of --cpu 1, at most ${cores}; a call that is refused or late counts as not answered in time. Back is what stays so for ${steadySeconds} s; ${afterMs / 1000} s means not within the run.`,
      ],
    }
  },
}

async function measure(signal: string, spinIterations: number, laterMs: number): Promise<Figures> {
  const ports = [await freePort(), await freePort(), await freePort()] as const
  const [port, managementPort, webPort] = ports
  const management = `http://127.0.0.1:${managementPort}`
  await using _up = await startServer({
    command: process.execPath,
    args: [
      ...["dist/cli/main.js", "up", "bench/service.ts", "--log-level", "warn"],
      ...["--port", `${port}`, "--management-port", `${managementPort}`],
      ...["--web-port", `${webPort}`, "--cpu", "1", "--max", `${cores}`],
      ...["--signal", signal, "--sync-ms", `${syncMs}`],
    ],
    env: { [spinIterationsVariable]: `${spinIterations}` },
    readyUrl: `${management}/readyz`,
  })
  const stepAtMs = baseMs + laterMs
  const result = await load({
    target: `http://127.0.0.1:${port}`,
    stages: [
      `0:${perSecond / 10}/s`,
      `${stepAtMs}ms:${perSecond / 10}/s`,
      `${stepAtMs}ms:${perSecond}/s`,
      `${stepAtMs + afterMs}ms:${perSecond}/s`,
    ].join(),
    arrivals: "poisson",
    timeoutMs: 5_000,
    scenario: scenario({
      name: "spin20",
      tasks: { spin20: ({ get }) => get("/spin20") },
    }),
  })
  const status = (await (await fetch(`${management}/status`)).json()) as Status
  const since = result.history.filter(({ elapsedMs }) => elapsedMs > stepAtMs)
  const isGood = ({ percentilesMs, failuresPerS }: (typeof since)[number]): boolean =>
    failuresPerS === 0 && percentilesMs !== null && percentilesMs[95] <= objectiveMs
  const recovered = since.find((_, i) => {
    const next = since.slice(i, i + steadySeconds)
    return next.length === steadySeconds && next.every(isGood)
  })
  const stepAt = Date.parse(result.startedAt) + stepAtMs
  const scaledAt = status.decisions.find(({ to, atMs }) => to > 1 && atMs > stepAt)?.atMs
  const sent = since.reduce((sum, { requestsPerS }) => sum + requestsPerS, 0)
  const failed = since.reduce((sum, { failuresPerS }) => sum + failuresPerS, 0)
  return {
    recoveryS: ((recovered?.elapsedMs ?? stepAtMs + afterMs) - stepAtMs) / 1000,
    // Where contention keeps a replica from its core, CPU use may never say so.
    ...(scaledAt === undefined ? {} : { scaledS: (scaledAt - stepAt) / 1000 }),
    missed: (failed / sent) * 100,
    replicas: status.ready,
    lagP99: Math.max(...since.map(({ lagP99Ms }) => lagP99Ms)),
  }
}

interface Status {
  readonly ready: number
  readonly decisions: readonly { readonly to: number; readonly atMs: number }[]
}
