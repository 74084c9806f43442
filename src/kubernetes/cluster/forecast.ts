/**
 * Whether a deployment will come up, from what the cluster shows before: room, quota, image. Pure.
 */
import type { LimitRange, Node, PersistentVolumeClaim, Pod, ResourceQuota } from "../kinds.ts"
import type { Deployable } from "../manifests/objects.ts"
import { keptOffBy, lackedBy, taintText } from "../manifests/placement.ts"
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
  /** Of the init container's image; undefined where it has none of its own. */
  readonly initFound?: ImageFound | undefined
  /** The namespace's claims; undefined where one may not look, or none is named. */
  readonly claims?: readonly PersistentVolumeClaim[] | undefined
}

export interface Forecast {
  /** Why it will not come up. */
  readonly obstacles: readonly string[]
  /** What will not be as good as asked for, or could not be seen. */
  readonly warnings: readonly string[]
}

/** @param rolls whether the pods will be replaced: then one more is needed for a moment. */
export function forecast(facts: ForecastFacts, rolls: boolean): Forecast {
  return together([
    ofImage(facts, facts.options.image, facts.found),
    ofImage(facts, facts.options.init?.image ?? "", facts.initFound),
    { ...nothing, obstacles: facts.missing },
    ofClaims(facts),
    ofNodes(facts),
    ofPlacement(facts) ?? ofRoom(facts, rolls),
    ofQuota(facts, rolls),
  ])
}

function together(parts: readonly Forecast[]): Forecast {
  return {
    obstacles: parts.flatMap(({ obstacles }) => obstacles),
    warnings: parts.flatMap(({ warnings }) => warnings),
  }
}

const nothing: Forecast = { obstacles: [], warnings: [] }
const obstacle = (text: string): Forecast => ({ ...nothing, obstacles: [text] })
const warning = (text: string): Forecast => ({ ...nothing, warnings: [text] })

function ofImage(
  { options, nodes = [] }: ForecastFacts,
  image: string,
  found: ImageFound | undefined,
): Forecast {
  const isInit = image !== options.image
  const what = isInit ? `The image ${image} of the init container` : "The image"
  if (found === undefined || isOnNode(image, nodes)) return nothing
  switch (found.kind) {
    case "missing":
      return obstacle(
        isInit
          ? `There is no image ${image} in its registry, which the init container is to have: init.image, or --init-image, names it.`
          : `There is no image ${image} in its registry. Push it: capstan image … --push prints the name to use.`,
      )
    case "unknown":
      return warning(`Whether the nodes can pull ${image} can't be said before: ${found.why}.`)
    case "there": {
      const { platforms } = found
      const kinds = new Set(
        nodes
          .filter((node) => takesPods(node, options))
          .map(platformOf)
          .filter((each) => each !== ""),
      )
      const foreign = [...kinds].filter((kind) => !platforms.includes(kind))
      if (platforms.length === 0 || foreign.length === 0) return nothing
      const way = isInit
        ? "Name one for them, or choose nodes for it with --node-selector."
        : `Build it for them: capstan image … --platform ${[...kinds].join(",")}`
      const text = `${what} is for ${platforms.join(", ")}, and there are nodes of ${foreign.join(", ")}: on those it would end at once with "exec format error". ${way}`
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
  const taking = nodes.filter((node) => takesPods(node, options))
  const text = nodesTooOld(taking, options.preStopSeconds)
  return text === undefined ? nothing : warning(text)
}

/** A claim that is not there keeps every replica waiting; one for a single node, all elsewhere. */
function ofClaims({ options, claims, nodes }: ForecastFacts): Forecast {
  if (claims === undefined) return nothing
  const byName = new Map(claims.map((each) => [each.metadata?.name, each]))
  const mounted = options.volumes.filter(({ kind }) => kind === "claim")
  return together(
    mounted.map(({ of = "", path }) => {
      const claim = byName.get(of)
      if (claim === undefined) {
        const names = [...byName.keys()]
        const there = names.length === 0 ? "has none" : `has ${names.join(", ")}`
        return obstacle(
          `There is no persistent volume claim ${of}, which is to be mounted at ${path}; the namespace ${there}. Make it with kubectl apply, or name another.`,
        )
      }
      const modes = claim.spec?.accessModes ?? []
      if (modes.some((mode) => mode.endsWith("Many"))) return nothing
      const many = "A claim for several is ReadWriteMany or ReadOnlyMany."
      if (modes.includes("ReadWriteOncePod")) {
        return warning(
          `The claim ${of} can be used by one replica at a time (ReadWriteOncePod): all others wait, and so does every new version. ${many}`,
        )
      }
      // On a single node all of them have it.
      if (nodes?.length === 1) return nothing
      return warning(
        `The claim ${of} can be mounted on one node at a time (ReadWriteOnce): replicas on other nodes wait. ${many}`,
      )
    }),
  )
}

/**
 * Whether there is any node that a replica may be on, by labels, taints and extended resources,
 * however little room it has: what to do about none is another matter than about little room.
 */
function ofPlacement({ nodes, options, growsByItself }: ForecastFacts): Forecast | undefined {
  if (nodes === undefined || nodes.length === 0) return undefined
  const { nodeSelector, resources } = options
  const none = (text: string, advice: string): Forecast =>
    growsByItself
      ? warning(`${text} The cluster adds nodes by itself, if it has such a kind.`)
      : obstacle(`${text} ${advice}`)
  const labelled = nodes.filter(({ metadata }) => lackedBy(metadata?.labels, options).length === 0)
  if (labelled.length === 0) {
    const wanted = Object.entries(nodeSelector).map(([key, value]) => `${key}=${value}`)
    return none(
      `No node has the labels that --node-selector asks for: ${wanted.join(", ")}. ${labelsSeen(nodes, Object.keys(nodeSelector))}.`,
      "Ask for labels that nodes have, or add a node that has these.",
    )
  }
  const lacking = Object.keys(resources).find((name) =>
    labelled.every(({ status }) => Number(status?.allocatable?.[name] ?? 0) === 0),
  )
  if (lacking !== undefined) {
    const where = Object.keys(nodeSelector).length === 0 ? "" : " that --node-selector takes"
    return none(
      `No node${where} has ${lacking}, of which a replica asks for ${resources[lacking]}.`,
      "Add a node that has it. Where one has the hardware, its device plugin has to be installed: kubectl describe node shows what a node offers.",
    )
  }
  const offering = labelled.filter(({ status }) =>
    Object.keys(resources).every((name) => Number(status?.allocatable?.[name] ?? 0) > 0),
  )
  // Kubernetes' own taints say that a node is not well, or is being emptied: they go by themselves.
  const taints = offering
    .map(({ spec }) => keptOffBy(spec?.taints, options))
    .filter((each) => !each.some(({ key }) => key.startsWith("node.kubernetes.io/")))
  const [fewest = []] = taints.toSorted((a, b) => a.length - b.length)
  if (fewest.length === 0) return undefined
  const texts = [...new Set(taints.flat().map(taintText))]
  return none(
    `Every node that it may be on keeps it off by a taint: ${texts.join(", ")}.`,
    `If it belongs there, tolerate it: ${fewest.map((each) => `--toleration ${taintText(each)}`).join(" ")}`,
  )
}

function labelsSeen(nodes: readonly Node[], keys: readonly string[]): string {
  const seen = keys.map((key) => {
    const values = nodes.map(({ metadata }) => metadata?.labels?.[key])
    const said = [...new Set(values.filter((value) => value !== undefined))]
    return said.length === 0 ? `none has ${key}` : `of ${key} there is ${said.join(", ")}`
  })
  return `Of the nodes here, ${seen.join("; ")}`
}

function ofRoom(facts: ForecastFacts, rolls: boolean): Forecast {
  const { options, needs, nodes, pods, ours, replicas, growsByItself } = facts
  if (nodes === undefined || pods === undefined) {
    return warning("Whether there is room for it can't be said: you may not list nodes and pods.")
  }
  const isOurs = ({ metadata }: Pod): boolean => ours.has(metadata?.uid ?? "")
  const room = roomFor(needs, nodes, pods, isOurs, options)
  const { minReplicas, maxReplicas, cpu, memory } = options
  const extended = Object.entries(options.resources).map(([name, count]) => `${count} ${name}`)
  const asked = [`${cpu} CPU`, memory, ...extended]
  const each = `a replica asks for ${listed(asked)}, ${freeOn(room)}`
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

function listed(parts: readonly string[]): string {
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`
}

const nodesTold = 3

function freeOn({ nodes, closed }: Room): string {
  const told = nodes
    .slice(0, nodesTold)
    .map(
      ({ name, cpu, memory, extended }) =>
        `${listed([
          `${Math.max(0, Math.floor(cpu * 1000))}m`,
          shownBytes(Math.max(0, memory)),
          ...Object.entries(extended).map(([each, count]) => `${Math.max(0, count)} ${each}`),
        ])} on ${name}`,
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
