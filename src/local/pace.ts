/**
 * The autoscaler's sense of time. In Kubernetes it looks every 15 s; where it looks more often, all
 * its other times shrink in the same proportion: windows, the periods of policies, how long a new
 * replica is looked at with suspicion. So a whole day's behaviour can be seen in an hour, and what is
 * seen is Kubernetes' own.
 */
import type { ResolvedSpec, Rules } from "../autoscale/resolve.ts"

/** How long a sync takes in Kubernetes, and so at pace 1. */
export const kubernetesSyncMs = 15_000

/** @param syncMs how often it looks. */
export function atPace(spec: ResolvedSpec, syncMs: number): ResolvedSpec {
  const shrunk = (ms: number): number => (ms * syncMs) / kubernetesSyncMs
  const rules = ({ stabilizationWindowMs, selectPolicy, policies }: Rules): Rules => ({
    stabilizationWindowMs: shrunk(stabilizationWindowMs),
    selectPolicy,
    policies: policies.map((policy) => ({ ...policy, periodMs: shrunk(policy.periodMs) })),
  })
  const { behavior, downscaleStabilizationMs, readiness } = spec
  return {
    ...spec,
    behavior: behavior && { up: rules(behavior.up), down: rules(behavior.down) },
    downscaleStabilizationMs: shrunk(downscaleStabilizationMs),
    readiness: {
      cpuInitializationPeriodMs: shrunk(readiness.cpuInitializationPeriodMs),
      initialDelayMs: shrunk(readiness.initialDelayMs),
    },
  }
}
