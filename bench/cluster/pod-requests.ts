/** How many requests each replica has answered, as its own metrics say, through the API server. */
import { type Api, ApiError } from "../../src/kubernetes/cluster/api.ts"
import { collection } from "../../src/kubernetes/cluster/resources.ts"
import { ports } from "../../src/kubernetes/manifests/objects.ts"
import { parseSamples, sumOf } from "../../src/load/target/prometheus-text.ts"

/** By replica, all since it started. A replica that does not answer is left out. */
export async function requestsByPod(
  api: Api,
  namespace: string,
  pods: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const counted = await Promise.all(
    pods.map(async (pod) => [pod, await answeredBy(api, namespace, pod)] as const),
  )
  return new Map(counted.flatMap(([pod, count]) => (count === undefined ? [] : [[pod, count]])))
}

async function answeredBy(api: Api, namespace: string, pod: string): Promise<number | undefined> {
  const path = `${collection("v1", "pods", namespace)}/${pod}:${ports.management}/proxy/metrics`
  try {
    const samples = parseSamples(await api.text(path))
    return sumOf(samples, "capstan_request_duration_seconds_count", { operation: "hello" }) ?? 0
  } catch (error) {
    if (error instanceof ApiError) return undefined
    throw error
  }
}
