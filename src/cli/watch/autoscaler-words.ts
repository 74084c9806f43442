/** The autoscaler's conditions and events, which are written for who knows its source, in plain words. */
import type { Condition, Event } from "../../kubernetes/kinds.ts"

/** By reason, what a condition means. Those that go without saying are empty. */
const conditions: Readonly<Record<string, string>> = {
  ReadyForNewScale: "",
  SucceededGetScale: "",
  SucceededRescale: "has just scaled",
  ScaleDownStabilized: "holds, since more were asked for a while ago",
  ScaleUpStabilized: "holds, since fewer were asked for a while ago",
  ValidMetricFound: "",
  DesiredWithinRange: "",
  TooManyReplicas: "is at its most; more are asked for",
  TooFewReplicas: "is at its fewest; fewer are asked for",
  ScaleUpLimit: "grows as fast as its policies let it",
  ScaleDownLimit: "shrinks as fast as its policies let it",
  ScalingDisabled: "is off: the deployment has been set to 0 replicas",
  FailedGetScale: "can't see how many replicas there are",
  FailedUpdateScale: "can't change the number of replicas",
  FailedGetResourceMetric: "can't measure",
  FailedGetContainerResourceMetric: "can't measure",
  FailedComputeMetricsReplicas: "can't measure",
  AmbiguousSelector: "does nothing: another autoscaler has the same pods",
}

/** With the API's own message where something is wrong. */
export function conditionWords({ type, status, reason = "", message }: Condition): string {
  const words = conditions[reason] ?? `says ${reason}`
  const isWrong = (type === "AbleToScale" || type === "ScalingActive") && status !== "True"
  return isWrong && message !== undefined ? `${words}: ${shortened(message)}` : words
}

/** Undefined for events that say what the replicas show anyway. */
export function autoscalerEventWords({ reason = "", message = "" }: Event): string | undefined {
  const size = /^New size: (\d+); reason: (.*)$/s.exec(message)
  if (reason === "SuccessfulRescale" && size !== null) {
    const [, to, why = ""] = size
    return `the autoscaler has scaled to ${to}${why === "" ? "" : `: ${why}`}`
  }
  return `the autoscaler ${conditions[reason] ?? `says ${reason}`}: ${shortened(message)}`
}

/** Each layer puts its words before those of the one below; the last tells what it is about. */
function shortened(message: string): string {
  const parts = message.split(": ")
  return parts.length > 2 ? parts.slice(-2).join(": ") : message
}
