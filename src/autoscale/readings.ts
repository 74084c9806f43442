/**
 * What a metric says of one pod, and what the pod requested.
 *
 * Upstream: getPodMetrics, getContainerMetrics and GetRawMetric in metrics/client.go;
 * calculatePodRequestsFromContainers in replica_calculator.go.
 */
import type { Metric } from "./metric.ts"
import type { Container, Pod } from "./observed.ts"

/** `undefined` when there is no value: a pod whose containers are not all measured has none. */
export function readingOf(pod: Pod, metric: Metric): number | undefined {
  if (metric.type === "Pods") return pod.metricsMilli[metric.name]
  if (pod.sample === undefined || pod.containers.length === 0) return undefined
  return sumOf(pod, metric, usage)
}

/** `undefined` when a container requests nothing, or is not there. */
export function requestOf(pod: Pod, metric: Metric): number | undefined {
  return sumOf(pod, metric, request)
}

const usage = ({ usageMilli }: Container, resource: string) => usageMilli[resource]
const request = ({ requestsMilli }: Container, resource: string) => requestsMilli[resource]

/** Over the metric's container, or else over all. */
function sumOf(pod: Pod, metric: Metric, amountOf: typeof usage): number | undefined {
  if (metric.container !== undefined) {
    const container = pod.containers.find(({ name }) => name === metric.container)
    return container && amountOf(container, metric.name)
  }
  let sum = 0
  for (const container of pod.containers) {
    const milli = amountOf(container, metric.name)
    if (milli === undefined) return undefined
    sum += milli
  }
  return sum
}
