/**
 * Back to the version before: the pods as they were, which the cluster remembers in replica sets. It
 * remembers nothing else; the autoscaler, the Service and all others stay as they are.
 */

import type { Deployment, PodTemplate, ReplicaSet } from "../kinds.ts"
import { selectorOf } from "../manifests/labels.ts"
import type { Api } from "./api.ts"
import { revisionOf } from "./observe.ts"
import { collection } from "./resources.ts"

export interface Rollback {
  readonly from: number
  readonly to: number
  readonly image: string
  /** To be applied. */
  readonly deployment: Deployment
}

export async function lastVersion(
  api: Api,
  namespace: string,
  name: string,
): Promise<Rollback | "no deployment" | "no version before"> {
  const deployment = await api.find<Deployment>(
    `${collection("apps/v1", "deployments", namespace)}/${name}`,
  )
  if (deployment === undefined) return "no deployment"
  const sets = await api.list<ReplicaSet>(collection("apps/v1", "replicasets", namespace), {
    labelSelector: selectorOf(name),
  })
  return rollbackOf(deployment, sets) ?? "no version before"
}

/**
 * Of the versions before the one that the Deployment has now the newest that serves, as one does when
 * those after it have not come up; or else the newest.
 */
export function rollbackOf(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
): Rollback | undefined {
  const from = revisionOf(deployment)
  const earlier = sets
    .filter((set) => revisionOf(set) < from)
    .toSorted((a, b) => revisionOf(b) - revisionOf(a))
  const before = earlier.find(({ status }) => (status?.readyReplicas ?? 0) > 0) ?? earlier[0]
  if (before?.spec?.template === undefined) return undefined
  const template = withoutHash(before.spec.template)
  const { metadata, spec = {} } = deployment
  const { selector, strategy, revisionHistoryLimit } = spec
  const { labels = {} } = template.metadata ?? {}
  return {
    from,
    to: revisionOf(before),
    image: template.spec?.containers.find((each) => each.name === "service")?.image ?? "",
    deployment: {
      apiVersion: "apps/v1",
      kind: "Deployment",
      // What we own beside the pods, said again: what is left out of an apply is taken away.
      metadata: { name: metadata?.name ?? "", labels },
      spec: {
        ...(selector === undefined ? {} : { selector }),
        ...(strategy === undefined ? {} : { strategy }),
        ...(revisionHistoryLimit === undefined ? {} : { revisionHistoryLimit }),
        template,
      },
    },
  }
}

/** The replica set's own label, which tells its pods from those of others. */
function withoutHash(template: PodTemplate): PodTemplate {
  const { "pod-template-hash": _, ...labels } = template.metadata?.labels ?? {}
  return { ...template, metadata: { labels } }
}
