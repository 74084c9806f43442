/**
 * Whether a deployment will come up, from what the cluster shows before: room, quota, image. Pure.
 */
import type { LimitRange, Node, Pod, ResourceQuota } from "../kinds.ts"
import type { Deployable } from "../manifests/objects.ts"
import { shownBytes } from "../quantity.ts"
import { limitsAgainst, quotaFor, type ReplicaSize } from "./quota.ts"
import type { ImageFound } from "./registry.ts"
import { type Needs, type Room, roomFor, takesPods } from "./room.ts"
import { nodesTooOld } from "./versions.ts"

export interface ForecastFacts {
  readonly options: Deployable
  readonly size: ReplicaSize
  readonly needs: Needs
  /** Undefined where one may not look. */
  readonly nodes: readonly Node[] | undefined
  /** Of all namespaces. */
  readonly pods: readonly Pod[] | undefined
  /** The uids of this deployment's pods. */
  readonly ours: ReadonlySet<string>
  /** What the Deployment that is there wants; 0 when there is none. */
  readonly replicas: number
  readonly quotas: readonly ResourceQuota[]
  readonly ranges: readonly LimitRange[]
  /** Somebody adds nodes when there is no room. */
  readonly growsByItself: boolean
  /** Secrets and config maps that are named and not there, in words. */
  readonly missing: readonly string[]
  /** Undefined when the image is brought to the cluster rather than pulled. */
  readonly found: ImageFound | undefined
}

export interface Forecast {
  /** Why it will not come up. */
  readonly obstacles: readonly string[]
  /** What will not be as good as asked for, or could not be seen. */
  readonly warnings: readonly string[]
}

/** @param rolls whether the pods will be replaced: then one more is needed for a moment. */
export function forecast(facts: ForecastFacts, rolls: boolean): Forecast {
  const missing: Forecast = { obstacles: facts.missing, warnings: [] }
  const parts = [
    ofImage(facts),
    missing,
    ofNodes(facts),
    ofRoom(facts, rolls),
    ofQuota(facts, rolls),
  ]
  return {
    obstacles: parts.flatMap(({ obstacles }) => obstacles),
    warnings: parts.flatMap(({ warnings }) => warnings),
  }
}

const nothing: Forecast = { obstacles: [], warnings: [] }
const obstacle = (text: string): Forecast => ({ ...nothing, obstacles: [text] })
const warning = (text: string): Forecast => ({ ...nothing, warnings: [text] })

function ofImage({ found, options, nodes = [] }: ForecastFacts): Forecast {
  const { image } = options
  if (found === undefined || isOnNode(image, nodes)) return nothing
  switch (found.kind) {
    case "missing":
      return obstacle(
        `There is no image ${image} in its registry. Push it: capstan image … --push prints the name to use.`,
      )
    case "unknown":
      return warning(`Whether the nodes can pull ${image} can't be said before: ${found.why}.`)
    case "there": {
      const { platforms } = found
      const kinds = new Set(
        nodes
          .filter(takesPods)
          .map(platformOf)
          .filter((each) => each !== ""),
      )
      const foreign = [...kinds].filter((kind) => !platforms.includes(kind))
      if (platforms.length === 0 || foreign.length === 0) return nothing
      const text = `The image is for ${platforms.join(", ")}, and there are nodes of ${foreign.join(", ")}: on those it would end at once with "exec format error". Build it for them: capstan image … --platform ${[...kinds].join(",")}`
      return foreign.length === kinds.size ? obstacle(text) : warning(text)
    }
    default:
      return found satisfies never
  }
}

/** A node that has it does not pull it: it was loaded, as into minikube or kind, or used before. */
function isOnNode(image: string, nodes: readonly Node[]): boolean {
  return nodes.some(({ status }) => status?.images?.some(({ names = [] }) => names.includes(image)))
}

function platformOf({ status }: Node): string {
  const { operatingSystem: os, architecture } = status?.nodeInfo ?? {}
  return os === undefined || architecture === undefined ? "" : `${os}/${architecture}`
}

function ofNodes({ nodes = [], options }: ForecastFacts): Forecast {
  const text = nodesTooOld(nodes.filter(takesPods), options.preStopSeconds)
  return text === undefined ? nothing : warning(text)
}

function ofRoom(facts: ForecastFacts, rolls: boolean): Forecast {
  const { options, needs, nodes, pods, ours, replicas, growsByItself } = facts
  if (nodes === undefined || pods === undefined) {
    return warning("Whether there is room for it can't be said: you may not list nodes and pods.")
  }
  const room = roomFor(needs, nodes, pods, ({ metadata }) => ours.has(metadata?.uid ?? ""))
  const { minReplicas, maxReplicas, cpu, memory } = options
  const each = `a replica asks for ${cpu} CPU and ${memory}, ${freeOn(room)}`
  const advice = "Ask for less with --cpu or --memory, or add a node."
  const short = (text: string): Forecast =>
    growsByItself
      ? warning(`${text} The cluster adds nodes by itself.`)
      : obstacle(`${text} ${advice}`)
  if (room.inAll < minReplicas) {
    return short(`There is room for ${room.inAll} of at least ${minReplicas} replicas: ${each}.`)
  }
  if (rolls && replicas > 0 && ours.size > 0 && room.beside === 0) {
    return short(
      `A new version adds one replica before it takes one away, and there is no room for one more: ${each}.`,
    )
  }
  if (room.inAll < maxReplicas && !growsByItself) {
    return warning(
      `There is room for ${room.inAll} of at most ${maxReplicas} replicas: ${each}. More stay pending until there is.`,
    )
  }
  return nothing
}

const nodesTold = 3

function freeOn({ nodes, closed }: Room): string {
  const told = nodes
    .slice(0, nodesTold)
    .map(
      ({ name, cpu, memory }) =>
        `${Math.max(0, Math.floor(cpu * 1000))}m and ${shownBytes(Math.max(0, memory))} on ${name}`,
    )
  const more = nodes.length > nodesTold ? `, less on ${nodes.length - nodesTold} more nodes` : ""
  const away = closed > 0 ? `; ${closed} ${closed === 1 ? "node takes" : "nodes take"} no pods` : ""
  return nodes.length === 0
    ? `and no node takes any${away}`
    : `free are ${told.join(", ")}${more}${away}`
}

function ofQuota({ size, quotas, ranges, options, ours }: ForecastFacts, rolls: boolean): Forecast {
  const against = limitsAgainst(size, ranges)
  const quota = quotaFor(size, quotas, ranges)
  if (quota === undefined) return { obstacles: against, warnings: [] }
  const { minReplicas, maxReplicas } = options
  const least = Math.max(minReplicas - ours.size, rolls || ours.size === 0 ? 1 : 0)
  const text = (wanted: string): string =>
    `The namespace's quota lets ${quota.more} more replicas be made, ${wanted}: ${quota.because}.`
  if (quota.more < least) {
    const told = text(`and ${least} are needed`)
    return { obstacles: [...against, told], warnings: [] }
  }
  const most = maxReplicas - ours.size
  const warnings = quota.more < most ? [text(`and there may be ${most} more`)] : []
  return { obstacles: against, warnings }
}
