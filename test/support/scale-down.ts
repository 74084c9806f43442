import type { Api } from "../../src/kubernetes/cluster/api.ts"
import { collection } from "../../src/kubernetes/cluster/resources.ts"

/** Has an autoscaler scale down after half a minute: five are right for a service, and long to watch. */
export async function scaleDownSooner(api: Api, namespace: string, name: string): Promise<void> {
  const scaleDown = {
    stabilizationWindowSeconds: 30,
    policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
  }
  await api.json(`${collection("autoscaling/v2", "horizontalpodautoscalers", namespace)}/${name}`, {
    method: "PATCH",
    contentType: "application/merge-patch+json",
    body: { spec: { behavior: { scaleDown } } },
  })
}
