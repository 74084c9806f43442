/** What `capstan gke create` and `delete` have in common: the place, the plan on the screen, its steps. */
import { createInterface } from "node:readline/promises"
import { styleText } from "node:util"
import { Gcloud, GcloudError } from "../kubernetes/gke/gcloud.ts"
import { dollars, listPrices, total } from "../kubernetes/gke/prices.ts"
import { commandLine, type Plan, type Step } from "../kubernetes/gke/step.ts"
import { configuredProject } from "../kubernetes/gke/survey.ts"
import { troubleOf } from "../kubernetes/gke/trouble.ts"
import { complaintAbout, gkeDefaults, type Place, type Wish } from "../kubernetes/gke/wish.ts"
import { Failure } from "./failure.ts"
import { printDocument, printError } from "./print.ts"
import { say } from "./say.ts"

export interface PlaceFlags {
  readonly location?: string
  readonly project?: string
  readonly registry?: string
  readonly yes?: true
  readonly dryRun?: true
}

/** With `gcloud` to ask for what was not said. */
export interface Talk {
  readonly gcloud: Gcloud
  /** Ctrl-C. */
  readonly signal: AbortSignal
}

/** Runs `work` with gcloud, and with Ctrl-C as a signal: who is interrupted says what is there now. */
export async function talking<T>(work: (talk: Talk) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal)
  const gcloud = new Gcloud({
    before: (args, env) => show(commandLine(args, env)),
    said: printError,
    signal: stop.signal,
    env: process.env,
  })
  try {
    return await work({ gcloud, signal: stop.signal })
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal)
  }
}

/**
 * gcloud's troubles become failures with what to do.
 * @param again what to say besides, when something may have been changed already.
 */
export async function explained<T>(
  place: Place,
  again: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof GcloudError)) throw error
    const { message, next } = troubleOf(error, place)
    throw new Failure(1, message, [next, again].filter((line) => line !== "").join("\n"))
  }
}

/** What was said, with what follows from it. The project is filled in later when it was not said. */
export function wished(cluster: string, flags: PlaceFlags & Partial<Wish>): Wish {
  const { location, project, registry = cluster } = flags
  if (location === undefined) {
    throw new Failure(
      2,
      "Where? Give --location a region such as europe-west4, or a zone for --mode standard.",
      "The one nearest to your users:  https://cloud.google.com/compute/docs/regions-zones",
    )
  }
  if (project === undefined && flags.dryRun) {
    throw new Failure(
      2,
      "--dry-run asks gcloud nothing, so it has to be told the project: --project ID.",
    )
  }
  const wish = {
    ...gkeDefaults,
    ...definedOf(flags),
    cluster,
    location,
    registry,
    project: project ?? unknownProject,
  }
  return checked(wish)
}

/** A valid id for what is checked before gcloud has been asked. */
const unknownProject = "project-unknown"

/** @throws {Failure} when there is no project. */
export async function withProject<T extends Place>(gcloud: Gcloud, place: T): Promise<T> {
  if (place.project !== unknownProject) return place
  const project = await explained(place, "", async () => await configuredProject(gcloud))
  if (project === undefined) {
    throw new Failure(
      1,
      "In which project? gcloud's configuration names none.",
      "Say --project ID, or once and for all:  gcloud config set project ID\nYours are:  gcloud projects list",
    )
  }
  return { ...place, project }
}

function checked(wish: Wish): Wish {
  const complaint = complaintAbout(wish)
  if (complaint !== undefined) throw new Failure(2, complaint)
  return wish
}

function definedOf(
  flags: Partial<Wish>,
): Partial<Pick<Wish, "mode" | "machineType" | "nodesMin" | "nodesMax">> {
  const { mode, machineType, nodesMin, nodesMax } = flags
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(machineType === undefined ? {} : { machineType }),
    ...(nodesMin === undefined ? {} : { nodesMin }),
    ...(nodesMax === undefined ? {} : { nodesMax }),
  }
}

/** The steps of a plan that can be begun, its notes told. */
export function stepsOf(plan: Plan): readonly Step[] {
  if (plan.kind === "obstacle") throw new Failure(1, plan.message, plan.next)
  for (const note of plan.notes) say(note)
  return plan.steps
}

/** On standard output, as a shell would take it. */
export function printScript(steps: readonly Step[]): void {
  const blocks = steps.map(({ what, action, cost }, index) => {
    const comment = `# ${index + 1}. ${what}.\n# ${cost.words}\n`
    return action.by === "gcloud"
      ? `${comment}${commandLine(action.args, action.env)}\n`
      : `${comment}# (Capstan asks the cluster itself.)\n`
  })
  printDocument(blocks.join("\n"))
}

/** On standard error, before anything is asked. */
export function showPlan(steps: readonly Step[]): void {
  const lines = steps.flatMap(({ what, action, cost }, index) => [
    `${String(index + 1).padStart(3)}. ${what}`,
    ...(action.by === "gcloud"
      ? [styleText("dim", `     $ ${commandLine(action.args, action.env)}`, toStderr)]
      : []),
    `     ${cost.words}`,
  ])
  printError(`\n${lines.join("\n")}\n\n`)
}

export function sayTotal(steps: readonly Step[]): void {
  const { words } = total(steps.map(({ cost }) => cost))
  say(`Together ${words}.`)
  say(
    `That is an estimate from list prices of 2026, without tax, traffic and load balancers. Google credits ${dollars(listPrices.clusterCreditPerMonth)} a month to each billing account for one Autopilot or zonal cluster.`,
  )
}

/**
 * Asks, and goes on only with a yes.
 * @param wanted what has to be typed.
 */
export async function consent(
  question: string,
  wanted: string,
  yes: boolean,
  signal: AbortSignal,
  {
    input,
    output,
  }: { input: NodeJS.ReadableStream & { isTTY?: boolean }; output: NodeJS.WritableStream } = {
    input: process.stdin,
    output: process.stderr,
  },
): Promise<void> {
  if (yes) return
  if (input.isTTY !== true) {
    throw new Failure(
      2,
      "This needs your consent, and there is nobody to ask: standard input is no terminal.",
      "Say --yes to agree beforehand, or --dry-run to see what would be done.",
    )
  }
  const prompt = createInterface({ input, output })
  const closed = new Promise<string>((resolve) => prompt.once("close", () => resolve("")))
  const answered = prompt.question(`${question} `, { signal }).catch(() => "")
  // Ctrl-C and Ctrl-D close it.
  const answer = (await Promise.race([answered, closed])).trim()
  prompt.close()
  if (answer.toLowerCase() !== wanted) throw new Failure(1, "Nothing was changed.")
}

/** Runs them one by one. */
export async function runSteps(
  { gcloud }: Talk,
  steps: readonly Step[],
  inCluster: (work: "see metrics" | "remove balancers") => Promise<void>,
): Promise<void> {
  for (const [index, { what, action }] of steps.entries()) {
    say(`${index + 1} of ${steps.length}: ${what}`)
    if (action.by === "gcloud") await gcloud.step(action.args, action.env)
    else await inCluster(action.work)
  }
}

function show(command: string): void {
  printError(styleText("dim", `$ ${command}\n`, toStderr))
}

const toStderr = { stream: process.stderr } as const
