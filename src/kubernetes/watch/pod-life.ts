/** Where a pod is in its life, which Kubernetes tells in half a dozen places. */
import type { ContainerStatus, Pod } from "../kinds.ts"
import { timeMs } from "./look.ts"

export interface PodLife {
  readonly name: string
  readonly phase: "starting" | "ready" | "unready" | "draining" | "failed"
  /** When it entered that phase, in milliseconds since 1970 by the cluster's clocks. */
  readonly sinceMs: number
  readonly bornMs: number
  /** Of all its containers. */
  readonly restarts: number
  /** Why the last container ended that was restarted, and why it can't be started. */
  readonly lastEnd: string | undefined
  readonly trouble: string | undefined
}

export function lifeOf(pod: Pod): PodLife {
  const { metadata, status } = pod
  const statuses = [...unfinished(pod), ...(status?.containerStatuses ?? [])]
  const bornMs = timeMs(metadata?.creationTimestamp) ?? 0
  const [phase, sinceMs] = phaseOf(pod, bornMs)
  return {
    name: metadata?.name ?? "",
    phase,
    sinceMs,
    bornMs,
    restarts: statuses.reduce((sum, { restartCount = 0 }) => sum + restartCount, 0),
    lastEnd: statuses.map(endOf).find((end) => end !== undefined),
    trouble: status?.phase === "Failed" ? status.reason : statuses.map(stuckOf).find(Boolean),
  }
}

/** What stops a container for longer than it takes to start one. */
const stuckReasons = [
  ...["CrashLoopBackOff", "ErrImagePull", "ImagePullBackOff", "InvalidImageName"],
  ...["ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError"],
  ...["RunContainerError", "StartError"],
]

/** Init containers that have not ended well: those that have are nobody's concern any more. */
function unfinished({ status }: Pod): readonly ContainerStatus[] {
  return (status?.initContainerStatuses ?? []).filter(
    ({ state }) => state?.terminated?.exitCode !== 0,
  )
}

function phaseOf(pod: Pod, bornMs: number): readonly [PodLife["phase"], sinceMs: number] {
  const { metadata, status } = pod
  const endMs = timeMs(metadata?.deletionTimestamp)
  if (endMs !== undefined) {
    return ["draining", endMs - (metadata?.deletionGracePeriodSeconds ?? 0) * 1000]
  }
  const ready = status?.conditions?.find(({ type }) => type === "Ready")
  const sinceMs = timeMs(ready?.lastTransitionTime) ?? bornMs
  const statuses = status?.containerStatuses ?? []
  if (status?.phase === "Failed") return ["failed", sinceMs]
  if (ready?.status === "True") return ["ready", sinceMs]
  if ([...unfinished(pod), ...statuses].some((each) => stuckOf(each) !== undefined)) {
    return ["failed", sinceMs]
  }
  // Its containers are younger than the state of not being ready: it has not come to it yet.
  const runningMs = statuses.map(({ state }) => timeMs(state?.running?.startedAt) ?? 0)
  const isStarted = statuses.length > 0 && statuses.every(({ started }) => started === true)
  if (isStarted && sinceMs > Math.max(...runningMs)) return ["unready", sinceMs]
  const isAgain = statuses.some(({ restartCount = 0 }) => restartCount > 0)
  return ["starting", isAgain ? Math.max(bornMs, ...runningMs) : bornMs]
}

function stuckOf({ state }: ContainerStatus): string | undefined {
  const reason = state?.waiting?.reason ?? ""
  return stuckReasons.includes(reason) ? reason : undefined
}

function endOf({ lastState, state }: ContainerStatus): string | undefined {
  const ended = lastState?.terminated ?? state?.terminated
  if (ended === undefined) return undefined
  const { reason, exitCode } = ended
  return reason === "OOMKilled" ? "it needed more memory than its limit" : `exit code ${exitCode}`
}
