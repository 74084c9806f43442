/**
 * A service that grows and shrinks on one machine: replicas as processes (fleet.ts) behind a
 * balancer, and the autoscaler of Kubernetes that says how many (autoscaler.ts). What it goes by is
 * measured as a cluster would: CPU time over a window, once a look (cpu-window.ts), or what the
 * replicas say is asked of them (demand-sum.ts).
 */
import { resolveSpec } from "../autoscale/resolve.ts"
import type { MetricSpec } from "../autoscale/spec.ts"
import { monotonicClock } from "../core/clock.ts"
import { probes, type RunningProbes } from "../core/probes.ts"
import { scalingBehavior } from "../core/scaling.ts"
import { Autoscaler, type Decided } from "./autoscaler.ts"
import type { Balancer } from "./balancer/balancer.ts"
import { DemandSum } from "./demand-sum.ts"
import type { LocalEvent } from "./events.ts"
import { Fleet } from "./fleet.ts"
import { demandMetric, observed } from "./observe.ts"
import { atPace } from "./pace.ts"
import type { Program } from "./replica-process.ts"
import { type LocalState, stateOf } from "./state.ts"

export interface Scaling {
  readonly minReplicas: number
  readonly maxReplicas: number
  /** Mean use that it aims at, in percent of `cpuMilli`. */
  readonly targetPercent: number
  /** What a replica is reckoned to need, in thousandths of a core. */
  readonly cpuMilli: number
  readonly signal: "cpu" | "demand"
  /** How often the autoscaler looks. */
  readonly syncMs: number
}

export interface LocalOptions {
  readonly program: Program
  readonly scaling: Scaling
  /** It listens already. */
  readonly balancer: Balancer
  /** How many replicas may be starting at once. */
  readonly startingMax: number
  /** How long a replica may take to serve. */
  readonly startMsMax: number
  /** @default those of the manifests */
  readonly probes?: RunningProbes
  readonly told: (event: LocalEvent | ({ readonly kind: "decided" } & Decided)) => void
}

const decisionsMax = 50
const demandEveryMs = 1_000

export class Local {
  readonly #options: LocalOptions
  readonly #fleet: Fleet
  readonly #autoscaler: Autoscaler
  readonly #demand = new DemandSum()
  readonly #decisions: Decided[] = []
  readonly #startedAt = Date.now()
  #demandTimer: NodeJS.Timeout | undefined
  #closed: Promise<void> | undefined

  constructor(options: LocalOptions) {
    this.#options = options
    const { program, scaling, balancer, startingMax, startMsMax, told } = options
    this.#fleet = new Fleet(
      {
        program,
        traffic: balancer,
        probes: options.probes ?? probes,
        startingMax,
        startMsMax,
        clock: monotonicClock,
        told,
      },
      scaling.minReplicas,
    )
    const { minReplicas, maxReplicas, syncMs } = scaling
    const spec = resolveSpec({
      minReplicas,
      maxReplicas,
      metrics: metricsOf(scaling),
      behavior: scalingBehavior,
    })
    this.#autoscaler = new Autoscaler({
      spec: atPace(spec, syncMs),
      syncMs,
      clock: monotonicClock,
      observe: () => this.#observe(),
      decided: (decided) => this.#decided(decided),
    })
  }

  /** Resolves when the first replica serves, or it is closed. @throws {StartError} when none does. */
  async start(): Promise<void> {
    await this.#fleet.start()
    if (this.#closed !== undefined) return
    this.#autoscaler.start()
    this.#demandTimer = setInterval(() => this.#sumDemand(), demandEveryMs)
  }

  /** The source has changed: the version that is there now is to serve. */
  reload(): void {
    this.#fleet.reload()
  }

  state(): LocalState {
    return stateOf({
      startedAt: this.#startedAt,
      url: this.#options.balancer.url,
      scaling: this.#options.scaling,
      fleet: this.#fleet,
      balanced: this.#options.balancer.stats(),
      demandCores: this.#demand.cores(monotonicClock()),
      decisions: this.#decisions,
    })
  }

  /** Finishes what is under way, and ends. Calling it again returns the same promise. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#autoscaler.stop()
    clearInterval(this.#demandTimer)
    const graces = [...this.#fleet.serving, ...this.#fleet.leaving].map((each) => each.drainGraceMs)
    await this.#options.balancer.close(Math.max(0, ...graces))
    await this.#fleet.close()
  }

  #observe(): ReturnType<typeof observed> {
    const { scaling } = this.#options
    const { serving, next, leaving, wanted } = this.#fleet
    for (const replica of [...serving, ...next]) replica.readCpu(scaling.syncMs)
    const demandCores = this.#demand.cores(monotonicClock())
    return observed(wanted, serving, leaving, scaling.cpuMilli, demandCores)
  }

  #decided(decided: Decided): void {
    this.#decisions.push(decided)
    if (this.#decisions.length > decisionsMax) this.#decisions.shift()
    this.#options.told({ kind: "decided", ...decided })
    if (decided.to !== decided.from) this.#fleet.scaleTo(decided.to)
  }

  #sumDemand(): void {
    const { serving } = this.#fleet
    const told = serving
      .filter(({ phase }) => phase === "ready" || phase === "unready")
      .map(({ name, figures }) => [name, figures?.demandCores] as const)
    this.#demand.add(monotonicClock(), new Map(told))
  }
}

/**
 * By CPU, it is the mean use in percent of the request. By demand, it is what all replicas together
 * are asked for, shared so that each gets what it would use at that percentage; CPU stays beside it,
 * since what is computed outside the workers is in no demand. The one that asks for more counts.
 */
function metricsOf({ signal, targetPercent, cpuMilli }: Scaling): readonly MetricSpec[] {
  const cpu: MetricSpec = {
    type: "Resource",
    resource: { name: "cpu", target: { type: "Utilization", averageUtilization: targetPercent } },
  }
  if (signal === "cpu") return [cpu]
  const averageValue = `${Math.max(1, Math.round((cpuMilli * targetPercent) / 100))}m`
  const target = { type: "AverageValue", averageValue } as const
  return [{ type: "External", external: { metric: { name: demandMetric }, target } }, cpu]
}
