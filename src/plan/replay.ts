/**
 * Replays a load on simulated time: a modelled cluster, and the very decision that runs in
 * production, sync by sync. The first part of the simulator.
 */
import type { Decision } from "../autoscale/conclude.ts"
import { decide } from "../autoscale/decide.ts"
import { noMemory } from "../autoscale/memory.ts"
import type { ResolvedSpec } from "../autoscale/resolve.ts"
import { Cluster } from "./cluster.ts"
import { type ClusterModel, syncSeconds, validateModel } from "./model.ts"
import { metricNames, observe, type Seen } from "./view.ts"

export interface ReplayedSync {
  /** 15 s × the number of the sync, from 0. */
  readonly second: number
  /** What there was before. */
  readonly replicas: number
  readonly seen: Seen
  readonly decision: Decision
}

export interface ReplayOptions {
  readonly initialReplicas: number
  /**
   * How long a sync takes. The next one begins 15 s after its end, so that by the autoscaler's clock
   * what happened "300 s ago" is a little older. The cluster does not notice. @default 0
   */
  readonly syncTakesMs?: number
}

/** One sync for each value of the model's demand. @throws {ModelError} */
export function* replay(
  model: ClusterModel,
  spec: ResolvedSpec,
  { initialReplicas, syncTakesMs = 0 }: ReplayOptions,
): Generator<ReplayedSync, void> {
  validateModel(model)
  const cluster = new Cluster(model, initialReplicas)
  const names = metricNames(spec.metrics)
  let memory = noMemory
  for (const k of model.demandMilli.keys()) {
    const second = k * syncSeconds
    cluster.advanceTo(second)
    const nowMs = k * (syncSeconds * 1000 + syncTakesMs)
    const { observed, seen } = observe(cluster, model, names, k, nowMs)
    const decision = decide(observed, spec, memory, nowMs)
    cluster.scaleTo(decision.replicas)
    memory = decision.memory
    yield { second, replicas: observed.replicas, seen, decision }
  }
}
