/**
 * How many replicas the nodes have room for: what each could give less what its pods have reserved,
 * as the scheduler counts it. An estimate, and a good one: of what else may keep a pod off a node
 * our pods have no affinity and no ports, and where a claim's volume is, is not looked at.
 */

import type { Container, Node, Pod } from "../kinds.ts"
import { keptOffBy, lackedBy, type Placement } from "../manifests/placement.ts"
import { amount } from "../quantity.ts"

export interface Needs {
  /** In cores. */
  readonly cpu: number
  /** In bytes. */
  readonly memory: number
  /** Extended resources by name, in pieces. @default none */
  readonly extended?: Readonly<Record<string, number>>
}

/** What a pod asks of a node that has said nothing: no label, and no taint that it tolerates. */
const anywhere: Placement = { nodeSelector: {}, tolerations: [] }

export interface Room {
  /** Replicas that fit when those that are there now have made room. */
  readonly inAll: number
  /** Replicas that fit beside those that are there now. */
  readonly beside: number
  /** What is free beside them, for telling; of nodes that take pods of ours, the emptiest first. */
  readonly nodes: readonly FreeNode[]
  /** Nodes that take none: cordoned, tainted, not ready, or without the labels that are asked for. */
  readonly closed: number
}

interface FreeNode extends Needs {
  readonly name: string
  readonly extended: Readonly<Record<string, number>>
  readonly pods: number
}

/**
 * @param isOurs whether a pod is one of the deployment.
 * @param placement what its pods ask of a node.
 */
export function roomFor(
  needs: Needs,
  nodes: readonly Node[],
  pods: readonly Pod[],
  isOurs: (pod: Pod) => boolean,
  placement: Placement = anywhere,
): Room {
  const open = nodes.filter((node) => takesPods(node, placement))
  const held = pods.filter(({ status }) => !["Succeeded", "Failed"].includes(status?.phase ?? ""))
  const byNode = Map.groupBy(held, ({ spec }) => spec?.nodeName)
  const free = (node: Node, without: (pod: Pod) => boolean): FreeNode => {
    const its = (byNode.get(node.metadata?.name) ?? []).filter((pod) => !without(pod))
    const { pods: podsMax = "110", ...allocatable } = node.status?.allocatable ?? {}
    const left = (resource: string): number =>
      its.reduce(
        (rest, { spec }) => rest - (spec === undefined ? 0 : requestIn(spec, resource)),
        amount(allocatable[resource] ?? "0"),
      )
    return {
      name: node.metadata?.name ?? "",
      cpu: left("cpu"),
      memory: left("memory"),
      extended: Object.fromEntries(
        Object.keys(needs.extended ?? {}).map((resource) => [resource, left(resource)]),
      ),
      pods: amount(podsMax) - its.length,
    }
  }
  const fits = (node: FreeNode): number => {
    // Requests are thousandths of a core; sums of them in floating point are a little off.
    const byCpu = Math.floor((node.cpu + 1e-9) / needs.cpu)
    const byExtended = Object.entries(needs.extended ?? {}).map(([resource, count]) =>
      Math.floor((node.extended[resource] ?? 0) / count),
    )
    const byMemory = Math.floor(node.memory / needs.memory)
    return Math.max(0, Math.min(byCpu, byMemory, node.pods, ...byExtended))
  }
  const total = (list: readonly FreeNode[]): number =>
    list.reduce((all, node) => all + fits(node), 0)
  const now = open.map((node) => free(node, () => false))
  return {
    inAll: total(open.map((node) => free(node, isOurs))),
    beside: total(now),
    nodes: now.toSorted((a, b) => b.cpu - a.cpu),
    closed: nodes.length - open.length,
  }
}

/** Whether pods are put there that ask for no more than `placement`. */
export function takesPods({ metadata, spec, status }: Node, placement: Placement): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready")
  return (
    spec?.unschedulable !== true &&
    ready?.status !== "False" &&
    keptOffBy(spec?.taints, placement).length === 0 &&
    lackedBy(metadata?.labels, placement).length === 0
  )
}

/** What a pod reserves of CPU and memory. */
export function requestOf(spec: NonNullable<Pod["spec"]>): Needs {
  return { cpu: requestIn(spec, "cpu"), memory: requestIn(spec, "memory") }
}

/**
 * What a pod reserves of a resource: its containers together, or an init container if one needs more,
 * and what the runtime adds. Init containers that stay (sidecars) count among the containers, and are
 * there while later ones start.
 */
function requestIn(spec: NonNullable<Pod["spec"]>, resource: string): number {
  const asked = (each: { readonly resources?: Container["resources"] }): number =>
    amount(each.resources?.requests?.[resource] ?? "0")
  let sidecars = 0
  let peak = 0
  for (const container of spec.initContainers ?? []) {
    peak = Math.max(peak, sidecars + asked(container))
    if (container.restartPolicy === "Always") sidecars += asked(container)
  }
  const steady = spec.containers.reduce((sum, each) => sum + asked(each), sidecars)
  const whole = spec.resources?.requests?.[resource]
  const request = whole === undefined ? Math.max(peak, steady) : amount(whole)
  return request + amount(spec.overhead?.[resource] ?? "0")
}
