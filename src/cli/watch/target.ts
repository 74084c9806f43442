/** A watched deployment as the live page, and the charts of a load, know a target. */
import type { TargetReading, TargetSource } from "../../load/target.ts"
import type { ClusterWatch } from "./cluster-watch.ts"
import type { WatchState } from "./state.ts"
import { syncWords } from "./words.ts"

/** Looked at by somebody else, once a second. @param logs whether they are followed. */
export function watchedTarget(
  watch: ClusterWatch,
  { logs }: { readonly logs: boolean },
): TargetSource {
  const openedAtMs = Date.now()
  return {
    where: whereOf(watch.state),
    async read() {
      const { state } = watch
      return state === undefined ? undefined : targetReading(state, openedAtMs)
    },
    ...(logs ? { follow: (line) => watch.follow(line) } : {}),
  }
}

/** Looked at each time that it is read. No logs: they would weigh on what is being measured. */
export function lookedAtTarget(watch: ClusterWatch): TargetSource {
  const openedAtMs = Date.now()
  return {
    where: whereOf(watch.state),
    async read() {
      try {
        await watch.look()
      } catch {
        return undefined
      }
      return watch.state && targetReading(watch.state, openedAtMs)
    },
  }
}

/** Undefined when nothing is known, because there is no answer. */
function targetReading(state: WatchState, openedAtMs: number): TargetReading | undefined {
  if (state.outage !== null) return undefined
  const { replicas, autoscaler, cpu, pods, syncs } = state
  return {
    replicas: {
      ...replicas,
      ...(autoscaler === null ? {} : { min: autoscaler.min, max: autoscaler.max }),
    },
    ...(cpu.cores === undefined ? {} : { cpuCores: cpu.cores }),
    ...(cpu.utilizationPercent === undefined ? {} : { utilizationPercent: cpu.utilizationPercent }),
    ...(cpu.targetPercent === undefined ? {} : { targetPercent: cpu.targetPercent }),
    pods: pods.map(({ name, phase, sinceMs, restarts, cpuCores }) => ({
      ...{ name, phase, sinceMs, restarts },
      ...(cpuCores === undefined ? {} : { cpuCores }),
    })),
    decisions: syncs.map((sync) => ({
      id: `${openedAtMs}.${sync.number}`,
      atMs: sync.atMs,
      from: sync.theirs.from,
      to: sync.theirs.to,
      reasons: syncWords(sync),
    })),
  }
}

function whereOf(state: WatchState | undefined): string {
  const { name, namespace, context } = state ?? { name: "", namespace: "", context: "" }
  return `the deployment ${name} in ${namespace} of ${context}`
}
