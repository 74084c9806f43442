/** `capstan gke create`: from a project to a cluster that `capstan deploy` can be pointed at. */
import { Api } from "../kubernetes/cluster/api.ts"
import { seesMetrics } from "../kubernetes/gke/balancers.ts"
import { createPlan, nothing } from "../kubernetes/gke/create.ts"
import { survey } from "../kubernetes/gke/survey.ts"
import { contextOf, imagePrefix, type Mode, type Wish } from "../kubernetes/gke/wish.ts"
import { asked } from "./cluster-failure.ts"
import { Failure } from "./failure.ts"
import {
  consent,
  explained,
  type PlaceFlags,
  printScript,
  runSteps,
  sayTotal,
  showPlan,
  stepsOf,
  talking,
  wished,
  withProject,
} from "./gke.ts"
import { print, printError } from "./print.ts"
import { say } from "./say.ts"

export interface CreateFlags extends PlaceFlags {
  readonly mode?: Mode
  readonly machineType?: string
  readonly minNodes?: number
  readonly maxNodes?: number
}

/** The first node takes its time, and metrics come with it. */
const metricsMs = 180_000

/** Resolves to 0 when all is there. May be run again at any point. */
export async function createGke(cluster: string, flags: CreateFlags): Promise<0> {
  const { minNodes, maxNodes, ...others } = flags
  const ofNodes = [flags.machineType, minNodes, maxNodes].some((flag) => flag !== undefined)
  if (ofNodes && flags.mode !== "standard") {
    throw new Failure(
      2,
      "--machine-type, --min-nodes and --max-nodes are for --mode standard: Autopilot's nodes are Google's affair.",
    )
  }
  const wish = wished(cluster, {
    ...others,
    ...(minNodes === undefined ? {} : { nodesMin: minNodes }),
    ...(maxNodes === undefined ? {} : { nodesMax: maxNodes }),
  })
  if (flags.dryRun) {
    printScript(stepsOf(createPlan(wish, nothing)))
    return 0
  }
  return await talking<0>(async (talk) => {
    const { gcloud, signal } = talk
    const complete = await withProject(gcloud, wish)
    const found = await explained(complete, "", async () => await survey(gcloud, complete))
    say(`project ${complete.project}, as ${found.account}`)
    const steps = stepsOf(createPlan(complete, found))
    showPlan(steps)
    if (steps.some(({ asks }) => asks !== undefined)) {
      sayTotal(steps)
      await consent("Make this, and pay for it? [y/N]", "y", flags.yes === true, signal)
    }
    const again = `What has been made so far stays. The same command goes on from there; this removes it:\n${removal(complete)}`
    await explained(complete, again, async () => {
      await runSteps(talk, steps, async () => await metrics(complete, signal))
    })
    finish(complete)
    return 0
  })
}

async function metrics(wish: Wish, signal: AbortSignal): Promise<void> {
  const served = await asked(
    async () => await seesMetrics(new Api(contextOf(wish)), { patienceMs: metricsMs, signal }),
  )
  if (signal.aborted) throw new Failure(1, "Interrupted. All is there but the look at the metrics.")
  if (!served) {
    say(
      "The cluster serves no metrics yet. They come with the first node; until then the autoscaler stands still. Look:  kubectl top nodes",
    )
  }
}

function finish(wish: Wish): void {
  const prefix = imagePrefix(wish)
  printError(
    [
      "",
      `  The cluster ${wish.cluster} is there, and is kubectl's current context. What comes next:`,
      "",
      `  capstan image service.ts --tag ${prefix}/my-api:1 --push`,
      `  capstan deploy service.ts --image ${prefix}/my-api@sha256:… --expose LoadBalancer`,
      "",
      "  It bills from now on, until:",
      "",
      `  ${removal(wish)}`,
      "",
      "",
    ].join("\n"),
  )
  print(`${prefix}\n`)
}

function removal({ cluster, location, registry, project }: Wish): string {
  const named = registry === cluster ? "" : ` --registry ${registry}`
  return `capstan gke delete ${cluster} --location ${location} --project ${project}${named}`
}
