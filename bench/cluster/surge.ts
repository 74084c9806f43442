/**
 * The surge: 50 clients come to a service that was idle. The tutorial's stack and ours, one after the
 * other, on the same work, with the same request, limit, bounds and target; all else of ours is as
 * `capstan deploy` makes it. With a limit of the request's size, and then without one.
 */
import type { Sync } from "../../src/cli/watch/sync.ts"
import { type Figures, measureRounds, median, type Rows } from "../report.ts"
import {
  agreementColumns,
  agreementFigures,
  allExplained,
  differencesInWords,
} from "./agreement.ts"
import type { ClusterBench } from "./bench.ts"
import { Clients, inWords, windowMs } from "./clients.ts"
import { drawn, heavy } from "./numbers.ts"
import { Place, service, size } from "./place.ts"
import { type Moment, momentOf, type Timeline } from "./timeline.ts"
import { deployTutorial, tutorialImage, tutorialName } from "./tutorial-stack.ts"
import { busiestByCpu, Watched } from "./watched.ts"

const clients = 50
/** What the tables tell of: by then all that comes has come. */
const tailMs = 60_000
const idleMsMax = 180_000
/** Of the request; a replica that was just started is above it. */
const idlePercent = 30
interface Stack {
  readonly title: string
  readonly isOurs: boolean
  readonly cpuLimit: string | undefined
  readonly body: () => unknown
}

interface Images {
  readonly tutorial: string
  readonly ours: string
}

export const surge: ClusterBench = {
  name: "surge",
  question: `What becomes of ${clients} clients that come to an idle service, with the tutorial's stack and ours?`,
  async run({ seconds }) {
    const number = heavy()
    const stacks: readonly Stack[] = [
      ...([size.cpu, undefined] as const).flatMap((cpuLimit): Stack[] => {
        const limit = cpuLimit === undefined ? "no limit" : `limit ${cpuLimit}`
        return [
          { title: `tutorial, ${limit}`, isOurs: false, cpuLimit, body: drawn },
          { title: `Capstan, ${limit}`, isOurs: true, cpuLimit, body: drawn },
        ]
      }),
      {
        title: `Capstan, limit ${size.cpu}, ten times the work`,
        isOurs: true,
        cpuLimit: size.cpu,
        body: () => number,
      },
    ]
    await using builds = await Place.make()
    const images = { tutorial: await tutorialImage(builds), ours: await builds.image() }
    const timelines: Timeline[] = []
    const syncs = new Map<string, readonly Sync[]>()
    const notes: string[] = []
    const rows = await measureRounds(
      1,
      stacks.map((stack) => ({
        title: stack.title,
        async measure() {
          const measured = await measure(stack, images, seconds * 1000)
          timelines.push({ title: stack.title, moments: measured.moments })
          syncs.set(stack.title, measured.syncs)
          notes.push(...measured.notes, ...differencesInWords(stack.title, measured.syncs))
          return measured.figures
        },
      })),
    )
    return {
      columns: [
        { key: "ready", title: "replicas at the end", digits: 0 },
        { key: "readyAfterS", title: "all of them ready after, s", digits: 0 },
        { key: "perSecond", title: "requests/s", digits: 1 },
        { key: "p50", title: "p50, ms", digits: 0 },
        { key: "p95", title: "p95, ms", digits: 0 },
        { key: "worstP95", title: "worst p95 of 5 s, ms", digits: 0 },
        { key: "failed", title: "failed", digits: 0 },
        { key: "busiest", title: "busiest ÷ mean", digits: 2 },
        { key: "cpuMs", title: "CPU a request, ms", digits: 1 },
        ...agreementColumns,
      ],
      rows,
      requirements: [
        ...stacks.filter(({ isOurs }) => isOurs).flatMap(({ title }) => required(title, rows)),
        allExplained([...syncs.values()].flat()),
      ],
      notes: [
        `${clients} clients, each with a connection of its own that it keeps until the server ends it, each sending when it was answered, started within 5 s. Requests/s, percentiles, busiest (the CPU of the busiest replica ÷ the mean) and CPU a request are of the last ${tailMs / 1000} s of ${seconds} s.`,
        `For ten times the work, the number to be factored is the prime ${number.n} each time.`,
        ...notes,
      ],
      details: { timelines },
    }
  },
}

function required(title: string, rows: Rows) {
  return [
    {
      what: `${title}: replicas ready`,
      is: median(rows, title, "ready"),
      must: "at least",
      bound: size.maxReplicas,
    },
    {
      what: `${title}: p95, ms`,
      is: median(rows, title, "p95"),
      must: "at most",
      bound: 1000,
    },
    { what: `${title}: failed`, is: median(rows, title, "failed"), must: "at most", bound: 0 },
  ] as const
}

interface Measured {
  readonly figures: Figures
  readonly moments: readonly Moment[]
  readonly syncs: readonly Sync[]
  readonly notes: readonly string[]
}

async function measure(stack: Stack, images: Images, runMs: number): Promise<Measured> {
  const { title, isOurs, cpuLimit, body } = stack
  await using place = await Place.make()
  const url = isOurs
    ? await place.deploy(images.ours, ...oursFlags(cpuLimit))
    : await deployTutorial(place, images.tutorial, cpuLimit)
  const name = isOurs ? service.name : tutorialName
  await using watched = await Watched.begin(place.api, { namespace: place.namespace, name })
  await watched.until("an idle service that the autoscaler can measure", idleMsMax, (state) => {
    const active = state.autoscaler?.conditions.find(({ type }) => type === "ScalingActive")
    return active?.status === "True" && (state.cpu.utilizationPercent ?? 100) < idlePercent
  })

  const startedMs = Date.now()
  const endMs = startedMs + runMs
  const moments: Moment[] = []
  await using load = Clients.start({
    url,
    clients,
    body,
    onWindow(window) {
      // The last one ends when the clients do.
      const isWhole = window.seconds * 1000 > 0.9 * windowMs
      if (isWhole) moments.push(momentOf(window, startedMs, watched))
    },
  })
  const readied = readyTimes(watched, startedMs)
  await watched.until("the end of the run", runMs + 60_000, () => {
    readied.look()
    return Date.now() >= endMs
  })
  const { replicas, cpu } = watched.state
  const busiest = busiestByCpu(watched.state)
  const tail = load.since(endMs - tailMs)
  const perSecond = tail.requests / tail.seconds
  await load.stop()
  const failures = load.failures.filter(({ endedMs }) => endedMs <= endMs)
  return {
    figures: {
      ready: replicas.ready,
      readyAfterS: readied.afterS(replicas.ready),
      perSecond,
      p50: tail.latency.percentileMs(50),
      p95: tail.latency.percentileMs(95),
      worstP95: Math.max(...moments.map(({ p95Ms }) => p95Ms ?? 0)),
      failed: failures.length,
      ...(busiest === undefined ? {} : { busiest }),
      ...(cpu.cores === undefined ? {} : { cpuMs: (cpu.cores * 1000) / perSecond }),
      ...agreementFigures(watched.syncs),
    },
    moments,
    syncs: watched.syncs,
    notes: failures.length === 0 ? [] : [`${title}: ${inWords(failures)} of ${load.requests}.`],
  }
}

function oursFlags(cpuLimit: string | undefined): readonly string[] {
  return [
    ...["--min-replicas", `${size.minReplicas}`, "--max-replicas", `${size.maxReplicas}`],
    ...["--target-cpu", `${size.targetCpu}`, "--cpu-limit", cpuLimit ?? "none"],
  ]
}

/** When there were first so many replicas ready. */
function readyTimes(watched: Watched, startedMs: number) {
  const firstMs = new Map<number, number>()
  return {
    look(): void {
      const { ready } = watched.state.replicas
      if (!firstMs.has(ready)) firstMs.set(ready, Date.now())
    },
    afterS: (ready: number): number => ((firstMs.get(ready) ?? startedMs) - startedMs) / 1000,
  }
}
