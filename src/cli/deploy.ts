/**
 * `capstan deploy MODULE`: looks, asks the cluster to go through it without storing anything, brings
 * the image, applies, waits, and says where it is. The URL alone goes to standard output.
 */
import { Api, ApiError } from "../kubernetes/cluster/api.ts"
import { type Applied, type ApplyOptions, apply } from "../kubernetes/cluster/apply.ts"
import { type Found, Inventory, remove, superseded } from "../kubernetes/cluster/inventory.ts"
import { foresee, preflight } from "../kubernetes/cluster/preflight.ts"
import { type RolloutEnd, waitForRollout } from "../kubernetes/cluster/rollout.ts"
import type { KubernetesObject } from "../kubernetes/kinds.ts"
import { type Deployable, manifests } from "../kubernetes/manifests/objects.ts"
import { asked, secondsAsMs } from "./cluster-failure.ts"
import { deliver, deliveryOf } from "./delivery.ts"
import { describe, type Given } from "./deployment-flags.ts"
import { Failure } from "./failure.ts"
import { interruptible } from "./interruption.ts"
import { tellAddress } from "./open.ts"
import { print } from "./print.ts"
import { say } from "./say.ts"

export interface DeployFlags {
  readonly dryRun?: true
  readonly force?: true
  readonly anyway?: true
  /** Undefined: when somebody is there to see it. */
  readonly open?: boolean
  readonly timeout: string
}

/** Resolves to 0 once the new version serves, or, with a port-forward, once that has been ended. */
export async function deploy(typed: string, given: Given, flags: DeployFlags): Promise<0> {
  const timeoutMs = secondsAsMs(flags.timeout, "--timeout")
  const described = await describe(typed, given)
  const { deployment } = described
  if (flags.dryRun && deployment.image === undefined) {
    throw new Failure(
      2,
      "Which image? A dry run builds none.",
      "Name it with --image: what `capstan image --push` prints.",
    )
  }
  return await asked<0>(async () => {
    const api = new Api(deployment.context)
    const namespace = deployment.namespace ?? api.namespace
    const delivery = deliveryOf(described, api)
    const planned: Deployable = { ...deployment, namespace, image: delivery.image }
    const force = flags.force === true
    const inventory = new Inventory(api, namespace, deployment.name)
    const rehearsal = await rehearse(
      api,
      planned,
      { deployment: deployment.name, namespace, force },
      delivery.kind !== "pull",
      flags,
    )
    if (flags.dryRun) {
      for (const each of rehearsal) print(`${inWords(each)}\n`)
      for (const { kind, name } of superseded(await inventory.look(), manifests(planned))) {
        print(`${kind} ${name} would go\n`)
      }
      return 0
    }

    let isChanged = false
    await interruptible(
      async (signal) => {
        const image =
          delivery.kind === "pull"
            ? delivery.image
            : await deliver(delivery, described, api, signal)
        isChanged = true
        const objects = manifests({ ...planned, image })
        const options = { deployment: deployment.name, namespace, dryRun: false, force }
        const applied = await applyAll(api, objects, options, signal)
        const isSame = applied.some(
          ({ kind, what }) => kind === "Deployment" && what === "unchanged",
        )
        if (isSame && !image.includes("@") && delivery.kind === "pull") {
          say(`what was pushed as ${image} since is not rolled out: name it by digest for that`)
        }
        const place = { namespace, name: deployment.name }
        const wanted = await awaitRollout(api, place, { timeoutMs, signal })
        const more =
          deployment.minReplicas > wanted
            ? `; the autoscaler makes them ${deployment.minReplicas} at its next look, within 15 s`
            : ""
        say(`the new version serves, by ${wanted} ${wanted === 1 ? "replica" : "replicas"}${more}`)
        // Only now: until the new version serves, the one before may need it.
        await removeAll(api, superseded(await inventory.look(), objects))
      },
      () => (isChanged ? appliedStays(deployment.name, namespace) : "Nothing was changed."),
    )
    return await tellAddress(api, namespace, deployment.name, flags.open)
  })
}

/** Whatever interrupts us, the cluster has been told. */
function appliedStays(name: string, namespace: string): string {
  return `What has been applied stays, and the cluster goes on with it. The same command goes on from here; to take all of it away:  capstan down ${name} --namespace ${namespace}`
}

async function removeAll(api: Api, found: readonly Found[]): Promise<void> {
  for (const each of found) {
    const title = `${each.kind} ${each.name} is no longer wanted`
    try {
      await remove(api, each)
      say(`${title} and goes`)
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 403)) throw error
      say(`${title}, and stays, since you may not delete it`)
    }
  }
}

/** All that is looked at before anything is changed. */
async function rehearse(
  api: Api,
  planned: Deployable,
  options: Omit<ApplyOptions, "dryRun">,
  isBrought: boolean,
  flags: DeployFlags,
): Promise<readonly Applied[]> {
  const { namespace } = options
  const objects = manifests(planned)
  const { version, obstacles, warnings } = await preflight(api, namespace, objects)
  say(`context ${api.context}, namespace ${namespace}, Kubernetes ${version}`)
  for (const warning of warnings) say(warning)
  const [first, ...more] = obstacles
  if (first !== undefined) throw new Failure(1, first, more.join("\n") || undefined)

  const rehearsal: Applied[] = []
  for (const object of objects) {
    rehearsal.push(await apply(api, object, { ...options, dryRun: true }))
  }
  const rolls = rehearsal.some(
    ({ kind, what, changes }) =>
      kind === "Deployment" &&
      (what === "created" || changes.some(({ path }) => path.startsWith("spec.template."))),
  )
  const forecast = await foresee(api, namespace, planned, { isBrought, rolls })
  const isTold = flags.anyway === true || flags.dryRun === true
  for (const text of [...forecast.warnings, ...(isTold ? forecast.obstacles : [])]) say(text)
  const [stop, ...others] = isTold ? [] : forecast.obstacles
  if (stop === undefined) return rehearsal
  const hint = [...others, "Nothing was changed. To try all the same: --anyway"]
  throw new Failure(1, stop, hint.join("\n"))
}

async function applyAll(
  api: Api,
  objects: readonly KubernetesObject[],
  options: ApplyOptions,
  signal: AbortSignal,
): Promise<readonly Applied[]> {
  const all: Applied[] = []
  for (const object of objects) {
    signal.throwIfAborted()
    const applied = await apply(api, object, options)
    say(`${applied.kind} ${applied.name} ${applied.what}`)
    all.push(applied)
  }
  return all
}

/** Resolves to how many replicas serve it. */
export async function awaitRollout(
  api: Api,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<number> {
  const end = await waitForRollout(api, {
    namespace,
    name,
    timeoutMs,
    signal,
    progressed: ({ wanted, updated, ready }) =>
      say(`${ready} of ${wanted} replicas serve the new version, ${updated} are made`),
    troubled: ({ message }) => say(message),
    unanswered: ({ message }) => say(`${message} It is asked again.`),
  })
  if (end.kind !== "done") throw rolloutFailure(end, timeoutMs)
  const { wanted } = end.progress
  if (wanted > 0) return wanted
  throw new Failure(
    1,
    `Nothing serves: somebody has set the deployment ${name} to 0 replicas, where the autoscaler leaves it alone.`,
    `Its new version is there, and comes up with:  kubectl scale deployment ${name} --namespace ${namespace} --replicas 1`,
  )
}

/** For a dry run: an object, and below it each field that would change. */
export function inWords({ kind, name, what, changes }: Applied): string {
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
      ? `The version before goes on serving, by ${olderReady} ${olderReady === 1 ? "replica" : "replicas"}. To take the new one away:  capstan deploy … --rollback`
      : "Nothing serves now: there was no version before that is ready."
  const hint = [
    ...(kind === "timeout" ? [what] : []),
    ...(logLines.length > 0 ? ["It logged last:", ...logLines.map((line) => `  ${line}`)] : []),
    trouble?.next ?? "Give it longer with --timeout, or look:  kubectl get pods,events",
    state,
  ]
  return new Failure(1, kind === "timeout" ? late : what, hint.join("\n"))
}
