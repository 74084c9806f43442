/**
 * How many replicas the nodes have room for: what each could give less what its pods have reserved,
 * as the scheduler counts it. An estimate, and a good one: of what else may keep a pod off a node
 * (affinity, volumes, ports) our pods have nothing.
 */

import type { Container, Node, Pod } from "../kinds.ts"
import { amount } from "../quantity.ts"

export interface Needs {
  /** In cores. */
  readonly cpu: number
  /** In bytes. */
  readonly memory: number
}

export interface Room {
  /** Replicas that fit when those that are there now have made room. */
  readonly inAll: number
  /** Replicas that fit beside those that are there now. */
  readonly beside: number
  /** What is free beside them, for telling; of nodes that take pods of ours, the emptiest first. */
  readonly nodes: readonly FreeNode[]
  /** Nodes that take none: cordoned, tainted or not ready. */
  readonly closed: number
}

interface FreeNode extends Needs {
  readonly name: string
  readonly pods: number
}

/** @param isOurs whether a pod is one of the deployment. */
export function roomFor(
  needs: Needs,
  nodes: readonly Node[],
  pods: readonly Pod[],
  isOurs: (pod: Pod) => boolean,
): Room {
  const open = nodes.filter(takesPods)
  const held = pods.filter(({ status }) => !["Succeeded", "Failed"].includes(status?.phase ?? ""))
  const byNode = Map.groupBy(held, ({ spec }) => spec?.nodeName)
  const free = (node: Node, without: (pod: Pod) => boolean): FreeNode => {
    const its = (byNode.get(node.metadata?.name) ?? []).filter((pod) => !without(pod))
    const { cpu = "0", memory = "0", pods: podsMax = "110" } = node.status?.allocatable ?? {}
    const used = its.map(({ spec }) => spec && requestOf(spec))
    const sum = (of: keyof Needs): number => used.reduce((all, each) => all + (each?.[of] ?? 0), 0)
    return {
      name: node.metadata?.name ?? "",
      cpu: amount(cpu) - sum("cpu"),
      memory: amount(memory) - sum("memory"),
      pods: amount(podsMax) - its.length,
    }
  }
  const fits = (node: FreeNode): number => {
    // Requests are thousandths of a core; sums of them in floating point are a little off.
    const byCpu = Math.floor((node.cpu + 1e-9) / needs.cpu)
    return Math.max(0, Math.min(byCpu, Math.floor(node.memory / needs.memory), node.pods))
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

/** Whether pods without any toleration are put there. */
export function takesPods({ spec, status }: Node): boolean {
  const ready = status?.conditions?.find(({ type }) => type === "Ready")
  const isTainted = spec?.taints?.some(({ effect }) => effect !== "PreferNoSchedule") === true
  return spec?.unschedulable !== true && ready?.status !== "False" && !isTainted
}

/**
 * What a pod reserves: its containers together, or an init container if one needs more, and what the
 * runtime adds. Init containers that stay (sidecars) count among the containers, and are there while
 * later ones start.
 */
export function requestOf(spec: NonNullable<Pod["spec"]>): Needs {
  const one = (of: keyof Needs): number => {
    const asked = (each: { readonly resources?: Container["resources"] }): number =>
      amount(each.resources?.requests?.[of] ?? "0")
    let sidecars = 0
    let peak = 0
    for (const container of spec.initContainers ?? []) {
      peak = Math.max(peak, sidecars + asked(container))
      if (container.restartPolicy === "Always") sidecars += asked(container)
    }
    const steady = spec.containers.reduce((sum, each) => sum + asked(each), sidecars)
    const whole = spec.resources?.requests?.[of]
    const request = whole === undefined ? Math.max(peak, steady) : amount(whole)
    return request + amount(spec.overhead?.[of] ?? "0")
  }
  return { cpu: one("cpu"), memory: one("memory") }
}
