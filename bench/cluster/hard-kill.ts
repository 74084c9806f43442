/** Ends a replica hard, in two ways, and tells when all are there again. */
import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import type { Api } from "../../src/kubernetes/cluster/api.ts"
import { isReady } from "../../src/kubernetes/cluster/observe.ts"
import { collection } from "../../src/kubernetes/cluster/resources.ts"
import type { Pod } from "../../src/kubernetes/kinds.ts"
import { service } from "./place.ts"

const fullMsMax = 60_000
const pollMs = 100

/** Those that are to stay. */
export async function podsOf(api: Api, namespace: string): Promise<readonly Pod[]> {
  const pods = await api.list<Pod>(collection("v1", "pods", namespace), {
    labelSelector: `app.kubernetes.io/name=${service.name}`,
  })
  return pods.filter(({ metadata }) => metadata?.deletionTimestamp === undefined)
}

/** As when a node is given up: the API forgets the pod at once, whatever it is doing. */
export async function deletePod(api: Api, namespace: string, { metadata }: Pod): Promise<void> {
  await api.text(`${collection("v1", "pods", namespace)}/${metadata?.name}`, {
    method: "DELETE",
    body: { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0 },
  })
}

/**
 * As when memory runs out. From within the container nobody could: its process 1 is spared. So this
 * machine has to be the node.
 * @throws {Error} when it is not.
 */
export async function killProcess(_: Api, __: string, { metadata, status }: Pod): Promise<void> {
  const id = status?.containerStatuses?.[0]?.containerID?.replace(/^.*:\/\//, "")
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && isOf(name, id))
  if (id === undefined || pids.length === 0) {
    throw new Error(
      `No process of ${metadata?.name} is on this machine. SIGKILL takes a cluster whose node it is, and root.`,
    )
  }
  for (const pid of pids) process.kill(Number(pid), "SIGKILL")
}

/**
 * Resolves to the seconds until all are ready, the one that was killed being another by then.
 * @throws {Error} when that takes more than a minute.
 */
export async function fullAgain(
  api: Api,
  namespace: string,
  killed: Pod,
  killedMs: number,
  replicas: number,
): Promise<number> {
  const life = lifeOf(killed)
  while (Date.now() - killedMs < fullMsMax) {
    const pods = await podsOf(api, namespace)
    const isOver = pods.every((pod) => lifeOf(pod) !== life)
    if (isOver && pods.length === replicas && pods.every(isReady)) {
      return (Date.now() - killedMs) / 1000
    }
    await sleep(pollMs)
  }
  throw new Error(
    `There are no ${replicas} replicas ready ${fullMsMax / 1000} s after one was killed.`,
  )
}

/** Of one process: a pod whose container was started again is another. */
function lifeOf({ metadata, status }: Pod): string {
  return `${metadata?.uid} ${status?.containerStatuses?.[0]?.containerID}`
}

function isOf(pid: string, containerId: string | undefined): boolean {
  try {
    return (
      containerId !== undefined && readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(containerId)
    )
  } catch {
    return false
  }
}
