/**
 * One look at a deployment: everything of it that the cluster shows, read at once, as it is there.
 *
 * A watch looks again each second instead of listening to the API's own watches. Those would have to
 * be resumed, restarted when they grow stale, and put together from six streams that end one by one;
 * metrics have none at all. Six small reads a second are nothing to an API server, and after an
 * outage the next look is as good as the first.
 */
import { type Api, ApiError } from "../cluster/api.ts"
import { collection } from "../cluster/resources.ts"
import type {
  Deployment,
  Event,
  HorizontalPodAutoscaler,
  KubernetesObject,
  Pod,
  PodMetrics,
  ReplicaSet,
} from "../kinds.ts"

/** Which deployment: anybody's will do, not only what Capstan made. */
export interface Subject {
  readonly namespace: string
  readonly name: string
}

export interface Look {
  /** When the answers were there, in milliseconds since 1970 by the clock of this machine. */
  readonly atMs: number
  /** Undefined: there is none of that name, or no longer. */
  readonly deployment: Deployment | undefined
  readonly sets: readonly ReplicaSet[]
  readonly pods: readonly Pod[]
  /** Undefined: see `blind`. */
  readonly metrics: readonly PodMetrics[] | undefined
  readonly autoscaler: HorizontalPodAutoscaler | undefined
  /** Of the autoscaler, and warnings about pods. The oldest first. */
  readonly events: readonly Event[]
  /** What could not be read, and is not needed to go on. */
  readonly blind: readonly Blind[]
}

export interface Blind {
  readonly what: "metrics" | "autoscalers" | "events" | "replica sets"
  readonly why: string
}

/**
 * @throws {ApiError} when the deployment or its pods may not be read.
 * @throws {UnreachableError} when there is no answer.
 */
export async function look(api: Api, { namespace, name }: Subject): Promise<Look> {
  const within = (version: string, plural: string): string => collection(version, plural, namespace)
  const path = `${within("apps/v1", "deployments")}/${name}`
  const deployment = await api.find<Deployment>(path)
  if (deployment === undefined) return nothing(Date.now())

  const blind: Blind[] = []
  async function listed<T extends KubernetesObject>(
    what: Blind["what"],
    of: string,
    query: Readonly<Record<string, string>>,
  ): Promise<readonly T[] | undefined> {
    try {
      return await api.list<T>(of, query)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      blind.push({ what, why: whyBlind(what, error) })
      return undefined
    }
  }
  const labelSelector = Object.entries(deployment.spec?.selector?.matchLabels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(",")
  const events = within("v1", "events")
  const [pods, metrics, autoscalers, sets, warnings, said] = await Promise.all([
    api.list<Pod>(within("v1", "pods"), { labelSelector }),
    listed<PodMetrics>("metrics", within("metrics.k8s.io/v1beta1", "pods"), { labelSelector }),
    listed<HorizontalPodAutoscaler>(
      "autoscalers",
      within("autoscaling/v2", "horizontalpodautoscalers"),
      {},
    ),
    listed<ReplicaSet>("replica sets", within("apps/v1", "replicasets"), { labelSelector }),
    listed<Event>("events", events, { fieldSelector: "type=Warning,involvedObject.kind=Pod" }),
    listed<Event>("events", events, {
      fieldSelector: "involvedObject.kind=HorizontalPodAutoscaler",
    }),
  ])
  const autoscaler = autoscalers?.find(
    ({ spec }) => spec?.scaleTargetRef.kind === "Deployment" && spec.scaleTargetRef.name === name,
  )
  const about = (event: Event): string => event.involvedObject?.name ?? ""
  const owned = new Set(pods.map(({ metadata }) => metadata?.name))
  return {
    atMs: Date.now(),
    deployment,
    sets: sets ?? [],
    pods: pods.toSorted((a, b) => (bornText(a) < bornText(b) ? -1 : 1)),
    metrics,
    autoscaler,
    events: [
      ...(warnings ?? []).filter((event) => owned.has(about(event))),
      ...(said ?? []).filter((event) => about(event) === autoscaler?.metadata?.name),
    ].toSorted((a, b) => lastSeenMs(a) - lastSeenMs(b)),
    blind: blind.filter(({ what }, at) => blind.findIndex((one) => one.what === what) === at),
  }
}

/** When it happened, the last time if more than once; in milliseconds since 1970. */
export function lastSeenMs({ series, lastTimestamp, eventTime, metadata }: Event): number {
  const text = series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata?.creationTimestamp
  return timeMs(text) ?? 0
}

/** Undefined for what is no time, or not there. */
export function timeMs(text: string | null | undefined): number | undefined {
  const ms = Date.parse(text ?? "")
  return Number.isNaN(ms) ? undefined : ms
}

function nothing(atMs: number): Look {
  return {
    ...{ atMs, deployment: undefined, sets: [], pods: [], metrics: undefined },
    ...{ autoscaler: undefined, events: [], blind: [] },
  }
}

function whyBlind(what: Blind["what"], { status, message }: ApiError): string {
  if (status === 403) return `you may not list them (${message})`
  if (what === "metrics" && (status === 404 || status === 503)) {
    return "nothing serves the metrics API: metrics-server is missing, or not up"
  }
  return message
}

function bornText({ metadata }: Pod): string {
  return `${metadata?.creationTimestamp} ${metadata?.name}`
}
