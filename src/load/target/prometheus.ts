/**
 * A target that tells of itself in Prometheus' text format: any service with a `/metrics` page, and
 * Capstan's. Each page that is named is one replica, and what the replicas say is added up; a page
 * that tells of replicas itself, as that of `capstan up` does, stands for these.
 *
 * CPU is what every official client library tells, under one name, as a counter of seconds. It is
 * made cores over the last five seconds: less would show each scrape's chance, more would be late.
 */
import { text as textOf } from "node:stream/consumers"
import { bounded } from "../../core/bounded.ts"
import { shownUrl } from "../shown-url.ts"
import type { TargetPod, TargetReading, TargetSource } from "../target.ts"
import { parseSamples, type Sample, sumOf } from "./prometheus-text.ts"

/** All that is asked of a page. */
const metric = {
  workers: "capstan_workers",
  queued: "capstan_queue_length",
  demandCores: "capstan_demand_cores",
  shedTotal: "capstan_shed_total",
  cpuCores: "capstan_cpu_cores",
  replicas: "capstan_replicas",
  replicasWanted: "capstan_replicas_wanted",
  cpuSeconds: "process_cpu_seconds_total",
} as const
const metricNames: ReadonlySet<string> = new Set(Object.values(metric))

/** Where each figure comes from. The same table is in docs/load.md. */
const figureMetrics = {
  workers: (samples) => sumOf(samples, metric.workers),
  busy: (samples) => sumOf(samples, metric.workers, { state: "busy" }),
  queued: (samples) => sumOf(samples, metric.queued),
  demandCores: (samples) => sumOf(samples, metric.demandCores),
  shedTotal: (samples) => sumOf(samples, metric.shedTotal),
} as const satisfies Record<string, (samples: readonly Sample[]) => number | undefined>

/** A page has some dozens of those. */
const samplesMax = 10_000
const cpuWindowMs = 5000
/** Less than the second after which they are read again. */
const readPatienceMs = 900
const bytesMax = 8 * 1024 * 1024

export interface MetricsPage {
  readonly metrics: URL
  /** Answers 200 while the replica takes requests. @default not asked: who answers is ready */
  readonly readiness?: URL
}

/**
 * Reads them all, once for each `read()`.
 * @param patienceMs after which one that has not answered counts as silent.
 */
export function prometheusTarget(
  pages: readonly MetricsPage[],
  patienceMs = readPatienceMs,
): TargetSource {
  const replicas = pages.map((page) => new Replica(page, patienceMs))
  return {
    where: pages.map(({ metrics }) => shownUrl(metrics)).join(", "),
    async read() {
      const nowMs = Date.now()
      await Promise.all(replicas.map((replica) => replica.read(nowMs)))
      // All silent: it may be restarting, or gone; the page shows the gap.
      return replicas.some(({ isPresent }) => isPresent) ? reading(replicas) : undefined
    },
  }
}

function reading(replicas: readonly Replica[]): TargetReading {
  const names = Object.keys(figureMetrics) as (keyof typeof figureMetrics)[]
  const sum = (values: readonly (number | undefined)[]): number | undefined =>
    values.reduce((total, value) => (value === undefined ? total : (total ?? 0) + value), undefined)
  const figures = [
    ...names.map((name) => [
      name,
      sum(replicas.map(({ samples }) => figureMetrics[name](samples))),
    ]),
    ["cpuCores", sum(replicas.map(({ cpuCores }) => cpuCores))],
  ]
  const counted = replicas.map((replica) => replica.counted)
  const total = (of: keyof Counted): number => counted.reduce((all, each) => all + each[of], 0)
  return {
    replicas: { wanted: total("wanted"), present: total("present"), ready: total("ready") },
    ...Object.fromEntries(figures.filter(([, value]) => value !== undefined)),
    // Of those that a page tells of, it tells their number only.
    ...(replicas.some(({ told }) => told !== undefined)
      ? {}
      : { pods: replicas.map((replica) => replica.pod) }),
  }
}

type Counted = Pick<TargetReading["replicas"], "wanted" | "present" | "ready">

/** One page, and what it said last. */
class Replica {
  readonly #page: MetricsPage
  readonly #patienceMs: number
  #cpu: { readonly atMs: number; readonly seconds: number }[] = []
  #sinceMs = Date.now()
  #restarts = 0
  phase: TargetPod["phase"] = "starting"
  samples: readonly Sample[] = []

  constructor(page: MetricsPage, patienceMs: number) {
    this.#page = page
    this.#patienceMs = patienceMs
  }

  get isPresent(): boolean {
    return this.phase === "ready" || this.phase === "unready"
  }

  /** The replicas that the page tells of, when it is not one of them. */
  get told(): Counted | undefined {
    const wanted = sumOf(this.samples, metric.replicasWanted)
    if (wanted === undefined) return undefined
    const present = sumOf(this.samples, metric.replicas) ?? 0
    return {
      wanted,
      present,
      ready: sumOf(this.samples, metric.replicas, { phase: "ready" }) ?? 0,
    }
  }

  get counted(): Counted {
    const present = this.isPresent ? 1 : 0
    return this.told ?? { wanted: 1, present, ready: this.phase === "ready" ? 1 : 0 }
  }

  /** Over what of the window there is; `undefined` before the second reading. */
  get cpuCores(): number | undefined {
    const [first, last] = [this.#cpu.at(0), this.#cpu.at(-1)]
    if (first === undefined || last === undefined || first === last) {
      return sumOf(this.samples, metric.cpuCores)
    }
    return (last.seconds - first.seconds) / ((last.atMs - first.atMs) / 1000)
  }

  get pod(): TargetPod {
    const known = {
      cpuCores: this.cpuCores,
      busy: figureMetrics.busy(this.samples),
      queued: figureMetrics.queued(this.samples),
    }
    return {
      name: this.#page.metrics.host,
      phase: this.phase,
      sinceMs: this.#sinceMs,
      restarts: this.#restarts,
      ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)),
    }
  }

  async read(nowMs: number): Promise<void> {
    const { metrics, readiness } = this.#page
    const [samples, isReady] = await Promise.all([
      samplesOf(metrics, this.#patienceMs),
      readiness === undefined ? true : isOk(readiness, this.#patienceMs),
    ])
    this.samples = samples ?? []
    if (samples === undefined) this.#cpu = []
    else this.#takeCpu(nowMs)
    this.#enter(samples === undefined ? "failed" : isReady ? "ready" : "unready", nowMs)
  }

  #enter(phase: TargetPod["phase"], nowMs: number): void {
    if (this.phase === phase) return
    this.phase = phase
    this.#sinceMs = nowMs
  }

  #takeCpu(atMs: number): void {
    const seconds = sumOf(this.samples, metric.cpuSeconds)
    if (seconds === undefined) return
    // A counter that falls is another process's.
    if (seconds < (this.#cpu.at(-1)?.seconds ?? 0)) {
      this.#restarts += 1
      this.#cpu = []
    }
    this.#cpu.push({ atMs, seconds })
    while (atMs - this.#cpu[0]!.atMs > cpuWindowMs) this.#cpu.shift()
  }
}

async function samplesOf(url: URL, patienceMs: number): Promise<readonly Sample[] | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) })
    if (!response.ok) {
      await response.body?.cancel()
      return undefined
    }
    if (response.body === null) return []
    const tooLong = () => new RangeError("It is too long.")
    const text = await textOf(bounded(response.body, bytesMax, tooLong))
    return parseSamples(text, metricNames, samplesMax)
  } catch {
    return undefined
  }
}

async function isOk(url: URL, patienceMs: number): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}
