/**
 * Asks gcloud what there is. Nothing is remembered between runs: whatever an earlier one left behind,
 * whole or half done, is found here, and the plan goes on from it.
 */
import { type Gcloud, GcloudError } from "./gcloud.ts"
import type { Args } from "./step.ts"
import { isApiOff } from "./trouble.ts"
import { type Place, regionOf } from "./wish.ts"

export interface Survey {
  /** Logged in as. */
  readonly account: string
  /** Unknown when one may not look. */
  readonly hasBilling: boolean | undefined
  readonly enabled: ReadonlySet<string>
  /** All of the project. */
  readonly clusters: readonly Cluster[]
  /** The registry of that name, whoever made it. */
  readonly registry: Registry | undefined
  /** What Google does to the cluster at the moment, by id. */
  readonly operations: readonly string[]
  readonly hasAuthPlugin: boolean
}

/** As gcloud tells it. */
export interface Cluster {
  readonly name: string
  readonly location: string
  readonly status: string
  readonly statusMessage?: string
  readonly resourceLabels?: Readonly<Record<string, string>>
  readonly autopilot?: { readonly enabled?: boolean }
}

export interface Registry {
  /** `projects/P/locations/L/repositories/R`. */
  readonly name: string
  readonly format: string
  readonly labels?: Readonly<Record<string, string>>
}

export const apis = ["container.googleapis.com", "artifactregistry.googleapis.com"] as const

/** The questions, for whoever wants to see them. Those after the first two need the APIs. */
export const questions = {
  account: ["auth", "list", "--filter=status:ACTIVE", "--format=value(account)"],
  project: ["config", "get", "project"],
  enabled: (project: string) => [
    "services",
    "list",
    "--enabled",
    `--project=${project}`,
    "--format=value(config.name)",
  ],
  billing: (project: string) => [
    "billing",
    "projects",
    "describe",
    project,
    "--format=value(billingEnabled)",
  ],
  clusters: (project: string) => ["container", "clusters", "list", `--project=${project}`],
  registries: ({ project, location }: Place) => [
    "artifacts",
    "repositories",
    "list",
    `--location=${regionOf(location)}`,
    `--project=${project}`,
  ],
  operations: ({ project, location }: Place) => [
    "container",
    "operations",
    "list",
    `--location=${location}`,
    `--project=${project}`,
  ],
} as const satisfies Readonly<Record<string, Args | ((place: never) => Args)>>

/** The project of gcloud's configuration; undefined when it has none. */
export async function configuredProject(gcloud: Gcloud): Promise<string | undefined> {
  const said = (await gcloud.ask(questions.project)).trim()
  return said === "" || said === "(unset)" ? undefined : said
}

/** @throws {GcloudError} when it can't be known what is there. */
export async function survey(gcloud: Gcloud, place: Place): Promise<Survey> {
  const { project } = place
  const account = (await gcloud.ask(questions.account)).trim().split("\n")[0] ?? ""
  if (account === "") {
    throw new GcloudError(
      questions.account,
      "failed",
      "You do not currently have an active account.",
    )
  }
  const enabled = new Set((await gcloud.ask(questions.enabled(project))).split(/\s+/))
  const hasBilling = await billing(gcloud, project)
  const [container, artifacts] = apis
  const clusters = enabled.has(container)
    ? await orNone(gcloud.list<Cluster>(questions.clusters(project)))
    : []
  const registries = enabled.has(artifacts)
    ? await orNone(gcloud.list<Registry>(questions.registries(place)))
    : []
  const cluster = findCluster(clusters, place)
  return {
    account,
    hasBilling,
    enabled,
    clusters,
    registry: registries.find(({ name }) => name.split("/").at(-1) === place.registry),
    operations:
      cluster === undefined || cluster.status === "RUNNING" ? [] : await running(gcloud, place),
    hasAuthPlugin: await gcloud.hasAuthPlugin(),
  }
}

export function findCluster(clusters: readonly Cluster[], place: Place): Cluster | undefined {
  return clusters.find(
    ({ name, location }) => name === place.cluster && location === place.location,
  )
}

async function billing(gcloud: Gcloud, project: string): Promise<boolean | undefined> {
  try {
    const said = (await gcloud.ask(questions.billing(project))).trim().toLowerCase()
    return said === "true" ? true : said === "false" ? false : undefined
  } catch (error) {
    // Who may make clusters need not be allowed to see who pays for them.
    if (error instanceof GcloudError && error.why === "failed") return undefined
    throw error
  }
}

/** An API that has just been switched off or on is listed late: who asks it is told better. */
async function orNone<T>(asked: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof GcloudError && isApiOff(error)) return []
    throw error
  }
}

interface Operation {
  readonly name: string
  readonly status: string
  readonly targetLink?: string
}

async function running(gcloud: Gcloud, place: Place): Promise<string[]> {
  const all = await gcloud.list<Operation>(questions.operations(place))
  const target = `/clusters/${place.cluster}`
  return all
    .filter(
      ({ status, targetLink }) => status !== "DONE" && `${targetLink}/`.includes(`${target}/`),
    )
    .map(({ name }) => name)
}
