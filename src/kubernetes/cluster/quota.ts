/**
 * What a namespace's quotas and limits will say to the replicas. The server's own dry run does not
 * ask them: it looks at the Deployment, and they count pods.
 */
import type { Amounts, LimitRange, ResourceQuota } from "../kinds.ts"
import { amount, shownBytes } from "../quantity.ts"

/** What a replica says of itself in its container. */
export interface ReplicaSize {
  readonly requests: Amounts
  readonly limits: Amounts
}

/** How many more replicas the quotas let be made, and in words what stops the next one. */
export interface Quota {
  readonly more: number
  readonly because: string
}

/** Undefined when nothing bounds them. */
export function quotaFor(
  size: ReplicaSize,
  quotas: readonly ResourceQuota[],
  ranges: readonly LimitRange[],
): Quota | undefined {
  const bounds = quotas
    // Those with scopes count some pods only; which, is more than can be said here.
    .filter(({ spec }) => spec?.scopes === undefined && spec?.scopeSelector === undefined)
    .flatMap((quota) => boundsOf(quota, size, ranges))
  return bounds.toSorted((a, b) => a.more - b.more)[0]
}

function boundsOf(
  { metadata, status }: ResourceQuota,
  size: ReplicaSize,
  ranges: readonly LimitRange[],
): Quota[] {
  const name = metadata?.name ?? ""
  return Object.entries(status?.hard ?? {}).flatMap(([resource, hard]): Quota[] => {
    const each = costOf(resource, size, ranges)
    if (each === undefined) return []
    if (each === "missing") {
      const because = `the quota ${name} counts ${resource}, so each replica has to have a CPU limit: --cpu-limit`
      return [{ more: 0, because }]
    }
    const used = status?.used?.[resource] ?? "0"
    const left = amount(hard) - amount(used)
    const shown = `${shownAs(resource, amount(used))} of ${shownAs(resource, amount(hard))}`
    const because = `of ${resource} the quota ${name} has ${shown} used, and a replica takes ${shownAs(resource, each)}`
    return [{ more: Math.max(0, Math.floor((left + 1e-9) / each)), because }]
  })
}

/** What one replica takes of a resource that a quota counts; undefined when it takes none. */
function costOf(
  resource: string,
  { requests, limits }: ReplicaSize,
  ranges: readonly LimitRange[],
): number | "missing" | undefined {
  switch (resource) {
    case "pods":
    case "count/pods":
      return 1
    case "cpu":
    case "requests.cpu":
      return amount(requests.cpu ?? "0")
    case "memory":
    case "requests.memory":
      return amount(requests.memory ?? "0")
    case "limits.memory":
      return amount(limits.memory ?? "0")
    case "limits.cpu": {
      const limit = limits.cpu ?? defaultOf(ranges, "cpu")
      return limit === undefined ? "missing" : amount(limit)
    }
    default: {
      // Of extended resources a quota counts requests alone.
      const asked = requests[resource.replace(/^requests\./, "")]
      return resource.startsWith("requests.") && asked !== undefined ? amount(asked) : undefined
    }
  }
}

function defaultOf(ranges: readonly LimitRange[], resource: string): string | undefined {
  return containerLimits(ranges).find((each) => each.default?.[resource] !== undefined)?.default?.[
    resource
  ]
}

/** What the namespace's limits forbid about a replica, in words. */
export function limitsAgainst(size: ReplicaSize, ranges: readonly LimitRange[]): string[] {
  return containerLimits(ranges).flatMap(({ max, min }) =>
    ["cpu", "memory"].flatMap((resource) => {
      const [request, limit] = [size.requests[resource] ?? "0", size.limits[resource]]
      const [most, least] = [max?.[resource], min?.[resource]]
      const flag = `--${resource}`
      if (most !== undefined && amount(limit ?? request) > amount(most)) {
        return [
          `The namespace allows a container ${most} of ${resource}, and a replica asks for ${limit ?? request}: say less with ${flag}.`,
        ]
      }
      if (least !== undefined && amount(request) < amount(least)) {
        return [
          `The namespace wants a container to ask for ${least} of ${resource} at least, and a replica asks for ${request}: say more with ${flag}.`,
        ]
      }
      return []
    }),
  )
}

function containerLimits(ranges: readonly LimitRange[]) {
  return ranges.flatMap(({ spec }) => spec?.limits ?? []).filter(({ type }) => type === "Container")
}

function shownAs(resource: string, value: number): string {
  return resource.includes("memory") ? shownBytes(value) : `${Number(value.toFixed(3))}`
}
