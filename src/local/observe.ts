/**
 * The replicas as the autoscaler of a cluster would see them: pods with conditions and times, and
 * metrics of a while ago. It is the same decision that is made of it.
 */
import type { Observed, Pod } from "../autoscale/observed.ts"
import type { Replica } from "./replica.ts"

/** What the demand is called as a metric. */
export const demandMetric = "demand"

/**
 * @param serving those that count as replicas. @param leaving those on their way out.
 * @param demandCores of all together, when anything is known of it.
 */
export function observed(
  wanted: number,
  serving: readonly Replica[],
  leaving: readonly Replica[],
  cpuMilli: number,
  demandCores: number | undefined,
): Observed {
  return {
    replicas: wanted,
    statusReplicas: serving.length,
    pods: [
      ...serving.map((replica) => podOf(replica, cpuMilli, false)),
      ...leaving.map((replica) => podOf(replica, cpuMilli, true)),
    ],
    objectMilli: {},
    externalMilli:
      demandCores === undefined ? {} : { [demandMetric]: [Math.round(demandCores * 1000)] },
  }
}

function podOf(replica: Replica, cpuMilli: number, deleted: boolean): Pod {
  const { name, phase, createdAtMs, isReady, readySinceMs, cpu } = replica
  return {
    name,
    // One that waits for its turn to start, or to start over, has no process.
    phase: phase === "pending" && replica.restarts === 0 ? "Pending" : "Running",
    deleted,
    gone: false,
    startedAtMs: createdAtMs,
    ready: { status: isReady, sinceMs: readySinceMs },
    containers: [
      {
        name: "service",
        requestsMilli: { cpu: cpuMilli },
        usageMilli: cpu === undefined ? {} : { cpu: cpu.usedMilli },
      },
    ],
    sample: cpu && { atMs: cpu.atMs, windowMs: cpu.windowMs },
    metricsMilli: {},
  }
}
