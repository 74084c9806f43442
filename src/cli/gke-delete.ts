/** `capstan gke delete`: the way back, and a search for what still bills. */
import { join } from "node:path"
import { UnreachableError } from "../kubernetes/access/unreachable.ts"
import { Api, ApiError } from "../kubernetes/cluster/api.ts"
import { clusterUid, removeBalancers } from "../kubernetes/gke/balancers.ts"
import { deletePlan, everything } from "../kubernetes/gke/delete.ts"
import { imagesIn, type Leftover, search } from "../kubernetes/gke/leftovers.ts"
import { isOurRegistry } from "../kubernetes/gke/ours.ts"
import { commandLine } from "../kubernetes/gke/step.ts"
import { type Cluster, questions, type Survey, survey } from "../kubernetes/gke/survey.ts"
import { contextOf, isZone, type Place } from "../kubernetes/gke/wish.ts"
import { Failure } from "./failure.ts"
import {
  consent,
  explained,
  type PlaceFlags,
  printScript,
  runSteps,
  showPlan,
  stepsOf,
  type Talk,
  talking,
  wished,
  withProject,
} from "./gke.ts"
import { print, printError } from "./print.ts"
import { say } from "./say.ts"
import { temporaryFolder } from "./temporary-folder.ts"

export interface DeleteFlags extends PlaceFlags {
  readonly skipServices?: true
}

/** A load balancer takes a minute or two to go, a Gateway's some more. */
const balancersMs = 10 * 60_000

/** Resolves to 0 when nothing remains, to 1 when something does. May be run again at any point. */
export async function deleteGke(cluster: string, flags: DeleteFlags): Promise<0 | 1> {
  const { location = "" } = flags
  // A zone can only be a Standard cluster's; which one it is makes no difference here.
  const wish = wished(cluster, { ...flags, mode: isZone(location) ? "standard" : "autopilot" })
  const skipServices = flags.skipServices === true
  if (flags.dryRun) {
    const options = { kubeconfig: `${cluster}.kubeconfig`, skipServices }
    printScript(stepsOf(deletePlan(wish, everything(wish), options)))
    return 0
  }
  using folder = temporaryFolder()
  const kubeconfig = join(folder.path, "kubeconfig")
  return await talking(async (talk) => {
    const place = await withProject(talk.gcloud, wish)
    const found = await explained(place, "", async () => await survey(talk.gcloud, place))
    say(`project ${place.project}, as ${found.account}`)
    const steps = stepsOf(deletePlan(place, found, { kubeconfig, skipServices }))
    if (steps.length > 0) showPlan(steps)
    if (steps.some(({ asks }) => asks !== undefined)) {
      say("Data goes with it. Disks of volume claims stay, and are listed in the end.")
      const question = `Delete all this? Type ${cluster} to agree:`
      await consent(question, cluster, flags.yes === true, talk.signal)
    }
    return await explained(place, again, async () => {
      let uid: string | undefined
      await runSteps(talk, steps, async () => {
        uid = await withoutBalancers(place, kubeconfig, talk.signal)
      })
      return await tellLeftovers(talk, place, found, uid)
    })
  })
}

const again = "What is still there bills on. The same command goes on from here."

/** Resolves to the cluster's identity, by which what it leaves behind is known again. */
async function withoutBalancers(
  place: Place,
  kubeconfig: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const api = new Api(contextOf(place), { ...process.env, KUBECONFIG: kubeconfig })
    const uid = await clusterUid(api)
    const left = await removeBalancers(api, {
      patienceMs: balancersMs,
      said: (title) => say(`goes: ${title}`),
      signal,
    })
    if (left.length === 0) return uid
    const titles = left.map(({ title }) => title).join(", ")
    if (signal.aborted)
      throw new Failure(
        1,
        `Interrupted. Still there: ${titles}.`,
        "The same command goes on from here.",
      )
    throw new Failure(
      1,
      `Still there after ${balancersMs / 60_000} minutes: ${titles}. The cluster is kept: without it their load balancers would stay, and bill.`,
      `Their events say why they don't go; then run this again. To delete it all the same: --skip-services`,
    )
  } catch (error) {
    if (!(error instanceof UnreachableError || error instanceof ApiError)) throw error
    throw new Failure(
      1,
      `The cluster can't be asked to take its load balancers down: ${error.message}`,
      "They would stay and bill when it is deleted, so it is kept. To delete it all the same, and have them searched for: --skip-services",
    )
  }
}

async function tellLeftovers(
  { gcloud }: Talk,
  place: Place,
  found: Survey,
  uid: string | undefined,
): Promise<0 | 1> {
  say("Searching for what still bills.")
  const clusters =
    found.clusters.length === 0 ? [] : await gcloud.list<Cluster>(questions.clusters(place.project))
  const { leftovers, unclear } = await search(gcloud, place, { uid, clusters })
  if (found.registry !== undefined && !isOurRegistry(found.registry, place)) {
    const images = await imagesIn(gcloud, place)
    if (images.length > 0) {
      say(
        `The registry ${place.registry} stays, with ${counted(images.length, "image")}. Each is removed by its command:`,
      )
      for (const image of images) printError(lines(image))
    }
  }
  if (unclear > 0) {
    const others = clusters.map(({ name }) => name).join(", ")
    say(
      `Besides, there are ${counted(unclear, "thing")} that some cluster has made for its load balancers or disks, without saying which cluster. The project still has ${others}, which may need them; so they are not listed. Look:  gcloud compute forwarding-rules list --project=${place.project}`,
    )
  }
  if (leftovers.length === 0) {
    print("nothing remains\n")
    return 0
  }
  for (const leftover of leftovers) print(`remains: ${lines(leftover)}`)
  say("Nothing of that is deleted for you. Run what you want gone, in this order.")
  return 1
}

function lines({ title, bills, args }: Leftover): string {
  return `${title} (${bills})\n  ${commandLine(args)}\n`
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`
}
