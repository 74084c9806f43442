/**
 * `capstan deploy MODULE`: looks, asks the cluster to go through it without storing anything, applies,
 * waits, and says where it is. The URL alone goes to standard output.
 */
import type { KubernetesObject } from "@kubernetes/client-node"
import { type Address, addressOf } from "../kubernetes/cluster/address.ts"
import { Api } from "../kubernetes/cluster/api.ts"
import { type Applied, apply } from "../kubernetes/cluster/apply.ts"
import { preflight } from "../kubernetes/cluster/preflight.ts"
import { type RolloutEnd, waitForRollout } from "../kubernetes/cluster/rollout.ts"
import { manifests } from "../kubernetes/manifests/objects.ts"
import type { DeploymentFlags } from "../kubernetes/manifests/options.ts"
import { asked, secondsAsMs } from "./cluster-failure.ts"
import { deploymentOf } from "./deployment-flags.ts"
import { Failure } from "./failure.ts"

export interface DeployFlags {
  readonly dryRun?: true
  readonly force?: true
  readonly timeout: string
}

/** Clouds take half a minute; where there is no cloud, waiting longer helps nobody. */
const balancerMsMax = 60_000

/** Resolves to 0 once the new version serves. */
export async function deploy(
  typed: string,
  deployment: DeploymentFlags,
  flags: DeployFlags,
): Promise<0> {
  const timeoutMs = secondsAsMs(flags.timeout, "--timeout")
  const options = await deploymentOf(typed, deployment)
  const { name } = options
  return await asked<0>(async () => {
    const api = new Api()
    const namespace = options.namespace ?? api.namespace
    await look(api, namespace)

    const objects = manifests({ ...options, namespace })
    const force = flags.force === true
    const rehearsal = await applyAll(api, objects, { namespace, dryRun: true, force })
    if (flags.dryRun) {
      for (const each of rehearsal) process.stdout.write(`${described(each)}\n`)
      return 0
    }
    for (const each of await applyAll(api, objects, { namespace, dryRun: false, force })) {
      say(`${each.kind} ${each.name} ${each.what}`)
    }

    const end = await waitForRollout(api, {
      namespace,
      name,
      timeoutMs,
      progressed: ({ wanted, updated, ready }) =>
        say(`${ready} of ${wanted} replicas serve the new version, ${updated} are made`),
      troubled: ({ message }) => say(message),
    })
    if (end.kind !== "done") throw rolloutFailure(end, timeoutMs)
    const { wanted } = end.progress
    const more =
      options.minReplicas > wanted
        ? `; the autoscaler makes them ${options.minReplicas} at its next look, within 15 s`
        : ""
    say(`the new version serves, by ${wanted} ${wanted === 1 ? "replica" : "replicas"}${more}`)
    if (options.expose === "LoadBalancer") say("waits for the load balancer's address")
    tellAddress(await addressOf(api, namespace, name, balancerMsMax), namespace, name)
    return 0
  })
}

async function look(api: Api, namespace: string): Promise<void> {
  const { version, obstacles, warnings } = await preflight(api, namespace)
  say(`context ${api.context}, namespace ${namespace}, Kubernetes ${version}`)
  for (const warning of warnings) say(warning)
  const [first, ...more] = obstacles
  if (first !== undefined) throw new Failure(1, first, more.join("\n") || undefined)
}

async function applyAll(
  api: Api,
  objects: readonly KubernetesObject[],
  options: Parameters<typeof apply>[2],
): Promise<readonly Applied[]> {
  const applied: Applied[] = []
  for (const object of objects) applied.push(await apply(api, object, options))
  return applied
}

/** For `--dry-run`: an object, and below it each field that would change. */
function described({ kind, name, what, changes }: Applied): string {
  const would = what === "unchanged" ? "stays as it is" : `would be ${what}`
  const lines = changes.map(
    ({ path, before = "nothing", after = "nothing" }) => `  ${path}: ${before} → ${after}`,
  )
  return [`${kind} ${name} ${would}`, ...lines].join("\n")
}

export function rolloutFailure(
  { kind, trouble, logLines, olderReady }: Exclude<RolloutEnd, { kind: "done" }>,
  timeoutMs: number,
): Failure {
  const late = `The new version was not ready within ${timeoutMs / 1000} s.`
  const what = trouble?.message ?? "Nothing says why; it may only be slow."
  const state =
    olderReady > 0
      ? `The version before goes on serving, by ${olderReady} ${olderReady === 1 ? "replica" : "replicas"}.`
      : "Nothing serves now: there was no version before that is ready."
  const hint = [
    ...(kind === "timeout" ? [what] : []),
    ...(logLines.length > 0 ? ["It logged last:", ...logLines.map((line) => `  ${line}`)] : []),
    trouble?.next ?? "Give it longer with --timeout, or look:  kubectl get pods,events",
    state,
  ]
  return new Failure(1, kind === "timeout" ? late : what, hint.join("\n"))
}

function tellAddress(address: Address, namespace: string, name: string): void {
  const forward = `kubectl port-forward --namespace ${namespace} service/${name} 8080:80`
  switch (address.kind) {
    case "url":
      process.stdout.write(`${address.url}\n`)
      break
    case "silent":
      say(`${address.url} does not answer from here (minikube: minikube service ${name}). Instead:`)
      say(`  ${forward}`)
      break
    case "pending":
      say("the load balancer has no address yet (minikube: minikube tunnel). Until it has one:")
      say(`  ${forward}`)
      break
    case "inside":
      say(`inside the cluster it is http://${name}.${namespace}; from here:`)
      say(`  ${forward}`)
      break
    default:
      address satisfies never
  }
}

function say(text: string): void {
  process.stderr.write(`capstan: ${text}\n`)
}
