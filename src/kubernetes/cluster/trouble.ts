/**
 * Why a rollout does not get on, in words, with what to do next. Kubernetes says it in a dozen places;
 * these are looked through from what stops everything to what may yet come right by itself.
 */
import type { ContainerStatus, Event, Pod } from "../kinds.ts"
import { initName } from "../manifests/objects.ts"
import { isReady, type Observed } from "./observe.ts"

export interface Trouble {
  readonly message: string
  readonly next: string
  /**
   * How long it may stand before waiting is given up, in milliseconds; Infinity for what another part
   * of the cluster may still set right.
   */
  readonly patienceMs: number
  /** The container whose log says more. */
  readonly log:
    | {
        readonly pod: string
        readonly previous: boolean
        /** @default the service's */
        readonly container?: string
      }
    | undefined
}

export function troubleOf(observed: Observed): Trouble | undefined {
  const { pods } = observed
  return (
    paused(observed) ??
    creationRefused(observed) ??
    firstOf(pods, imageTrouble) ??
    firstOf(pods, startTrouble) ??
    firstOf(pods, initTrouble) ??
    firstOf(pods, (pod) => crash(pod, observed)) ??
    firstOf(pods, unschedulable) ??
    firstOf(pods, (pod) => unready(pod, observed)) ??
    firstOf(pods, (pod) => heldUp(pod, observed)) ??
    firstOf(pods, initRuns)
  )
}

/** What a log can tell better than the cluster. */
export function withLog(trouble: Trouble, logLines: readonly string[]): Trouble {
  const isForeign = logLines.some((line) => line.includes("exec format error"))
  if (!isForeign) return trouble
  const next =
    "The image is for another processor than the node's. Build it for that one:  capstan image … --platform linux/arm64, say; capstan deploy does by itself, where it builds the image."
  return { ...trouble, next }
}

function firstOf(
  pods: readonly Pod[],
  look: (pod: Pod) => Trouble | undefined,
): Trouble | undefined {
  for (const pod of pods) {
    const trouble = look(pod)
    if (trouble !== undefined) return trouble
  }
  return undefined
}

/** Of a deployment that is all there one need not hear that it is. */
function paused({ deployment: { metadata, spec, status } }: Observed): Trouble | undefined {
  const isThere = (status?.updatedReplicas ?? 0) >= (spec?.replicas ?? 1)
  if (spec?.paused !== true || isThere) return undefined
  return trouble(
    "The deployment has been paused: no new version is rolled out until it goes on.",
    `kubectl rollout resume deployment ${metadata?.name} --namespace ${metadata?.namespace}`,
    5_000,
  )
}

function creationRefused({ deployment }: Observed): Trouble | undefined {
  const condition = deployment.status?.conditions?.find(
    ({ type, status }) => type === "ReplicaFailure" && status === "True",
  )
  if (condition === undefined) return undefined
  const message = condition.message ?? "no reason given"
  const next = /quota/.test(message)
    ? "Ask for less with --cpu, --memory or --min-replicas, or have the namespace's quota raised."
    : "The message names the rule of the cluster that it breaks."
  return trouble(`The cluster refuses to make its pods: ${message}.`, next, 5_000)
}

const pullReasons = ["ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"]

function imageTrouble(pod: Pod): Trouble | undefined {
  const stuck = containersOf(pod).find(({ state }) =>
    pullReasons.includes(state?.waiting?.reason ?? ""),
  )
  if (stuck === undefined) return undefined
  const { reason = "", message = "" } = stuck.state?.waiting ?? {}
  const next = /unauthorized|denied|forbidden|authentication/i.test(message)
    ? "The registry wants to know who asks:  kubectl create secret docker-registry NAME …, and name it with --pull-secret."
    : /not found|manifest unknown/i.test(message)
      ? stuck.name === initName
        ? "There is no such image in the registry: init.image, or --init-image, names it."
        : "There is no such image in the registry. Push it: capstan image … --push prints the name to use."
      : "Try the name from one of the nodes; a registry that only your machine reaches is none to the cluster."
  const image = specImage(pod, stuck.name) ?? stuck.image
  return trouble(`The image ${image} can't be pulled: ${message || reason}.`, next, 15_000)
}

const startReasons = [
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "StartError",
]

function startTrouble(pod: Pod): Trouble | undefined {
  const stuck = containersOf(pod)
    .map(({ name, state }) => ({ name, ...(state?.waiting ?? state?.terminated) }))
    .find((each) => startReasons.includes(each.reason ?? ""))
  if (stuck === undefined) return undefined
  const { reason = "", message = "" } = stuck
  const missing = /(secret|configmap) "([^"]+)" not found/.exec(message)
  const next =
    missing === null
      ? "The message names what the container can't have."
      : `Make it in the namespace first:  kubectl create ${missing[1] === "secret" ? "secret generic" : "configmap"} ${missing[2]} …`
  const what = stuck.name === initName ? "init container" : "container"
  return trouble(`The ${what} can't be started: ${message || reason}.`, next, 10_000)
}

/** What has to be done before the service starts has failed: until it ends well, nothing starts. */
function initTrouble(pod: Pod): Trouble | undefined {
  const status = initOf(pod)
  const ended = status?.lastState?.terminated ?? status?.state?.terminated
  if (status?.state?.terminated?.exitCode === 0) return undefined
  if (status === undefined || ended === undefined || ended.exitCode === 0) return undefined
  const times = status.restartCount ?? 0
  const previous = status.state?.terminated === undefined
  const isMemory = ended.reason === "OOMKilled"
  return {
    message: isMemory
      ? `The init container needs more memory than its limit and was killed${often(times)}.`
      : `The init container ends with exit code ${ended.exitCode}${often(times)}, so the service does not start.`,
    next: isMemory
      ? "It has the service's: give both more with --memory."
      : "What it runs is init.command and init.args. It is user 1000, and can write to its volumes and /tmp alone.",
    patienceMs: times >= 2 ? 0 : Number.POSITIVE_INFINITY,
    log: { pod: pod.metadata?.name ?? "", previous, container: initName },
  }
}

/** It may be at work for as long as a download takes. */
function initRuns(pod: Pod): Trouble | undefined {
  if (initOf(pod)?.state?.running === undefined) return undefined
  return {
    message: "The init container is at work, and the service starts when it has ended.",
    next: "What takes longer than the wait for it needs a longer --timeout.",
    patienceMs: Number.POSITIVE_INFINITY,
    log: { pod: pod.metadata?.name ?? "", previous: false, container: initName },
  }
}

/** As a process ends that is told to, or killed. */
const endedFromOutside: readonly (number | undefined)[] = [0, 137, 143]

function crash(pod: Pod, observed: Observed): Trouble | undefined {
  const status = containerOf(pod)
  const ended = status?.lastState?.terminated ?? status?.state?.terminated
  if (status === undefined || ended === undefined) return undefined
  const { exitCode, reason } = ended
  const times = status.restartCount ?? 0
  const log = { pod: pod.metadata?.name ?? "", previous: status.state?.terminated === undefined }
  // Once may be chance; what has been started twice and ended twice will do it again.
  const patienceMs = times >= 2 ? 0 : Number.POSITIVE_INFINITY
  if (reason === "OOMKilled") {
    const message = `The container needs more memory than its limit and was killed${often(times)}.`
    return { message, next: "Give it more with --memory.", patienceMs, log }
  }
  const probe = lastWarning(pod, observed, ({ reason = "", message = "" }) => {
    return reason === "Unhealthy" && /^(Liveness|Startup) probe/.test(message)
  })
  if (probe !== undefined && endedFromOutside.includes(exitCode)) {
    return {
      message: `The container does not answer its probe, so it is ended and started again${often(times)}: ${probe}.`,
      next: "What keeps its main thread busy, or waiting, for so long is in the module, outside of the operations; or give it more with --cpu.",
      patienceMs,
      log,
    }
  }
  return {
    message: `The container starts and ends again, with exit code ${exitCode}${often(times)}.`,
    next: "Settings that are missing come by --env or --env-from.",
    patienceMs,
    log,
  }
}

function often(restarts: number): string {
  return restarts > 1 ? `, ${restarts} times by now` : ""
}

function unschedulable({ status }: Pod): Trouble | undefined {
  const condition = status?.conditions?.find(
    ({ type, reason }) => type === "PodScheduled" && reason === "Unschedulable",
  )
  if (condition === undefined) return undefined
  return trouble(
    `No node has room for a replica: ${condition.message ?? "no reason given"}`,
    "Ask for less with --cpu or --memory, or add a node. If the cluster adds nodes by itself, give it a longer --timeout.",
    Number.POSITIVE_INFINITY,
  )
}

function unready(pod: Pod, observed: Observed): Trouble | undefined {
  if (pod.status?.phase !== "Running" || isReady(pod)) return undefined
  const unhealthy = lastWarning(pod, observed, ({ reason }) => reason === "Unhealthy")
  if (unhealthy === undefined) return undefined
  return {
    message: `A replica runs and is not ready: ${unhealthy}.`,
    next: "A slow `setup` may take as long as CAPSTAN_SETUP_TIMEOUT_MS; then --timeout has to be longer.",
    patienceMs: Number.POSITIVE_INFINITY,
    log: { pod: pod.metadata?.name ?? "", previous: false },
  }
}

/** By what only its node knows: a network that can't be set up, a disk that is full. */
function heldUp(pod: Pod, observed: Observed): Trouble | undefined {
  if (pod.status?.phase !== "Pending") return undefined
  const warning = lastWarning(pod, observed, ({ reason }) => reason !== "FailedScheduling")
  if (warning === undefined) return undefined
  return trouble(
    `A replica is held up on its node, ${pod.spec?.nodeName}: ${warning}.`,
    "That is the cluster's to set right; whoever looks after it knows the message.",
    Number.POSITIVE_INFINITY,
  )
}

function lastWarning(
  { metadata }: Pod,
  { warnings }: Observed,
  isIt: (event: Event) => boolean,
): string | undefined {
  const found = warnings.findLast(
    (event) => event.involvedObject?.name === metadata?.name && isIt(event),
  )
  return found && (found.message?.trim().replace(/\.$/, "") || found.reason)
}

function trouble(message: string, next: string, patienceMs: number): Trouble {
  return { message: message.replace(/\.\.$/, "."), next, patienceMs, log: undefined }
}

function containerOf({ status }: Pod): ContainerStatus | undefined {
  return status?.containerStatuses?.find(({ name }) => name === "service")
}

function initOf({ status }: Pod): ContainerStatus | undefined {
  return status?.initContainerStatuses?.find(({ name }) => name === initName)
}

/** In the order in which they start. */
function containersOf(pod: Pod): readonly ContainerStatus[] {
  return [initOf(pod), containerOf(pod)].filter((each) => each !== undefined)
}

function specImage({ spec }: Pod, container: string): string | undefined {
  const all = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]
  return all.find(({ name }) => name === container)?.image
}
