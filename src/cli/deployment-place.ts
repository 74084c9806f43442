/** Where a deployment is, for commands about one that is there: by module, or by name without one. */
import { dirname, extname } from "node:path"
import { fileURLToPath } from "node:url"
import type { Command } from "commander"
import { type DeploymentLayer, resolveDeployment } from "../kubernetes/manifests/options.ts"
import { isName, isObjectName, nameOf, nameRule, objectRule } from "../kubernetes/name.ts"
import { loadService } from "../service/module.ts"
import { flag } from "../service/settings.ts"
import { type ConfigFlags, configuredStages } from "./config-file.ts"
import { addConfigFlags } from "./deployment-flags.ts"
import { Failure } from "./failure.ts"
import { asFailure, loadFailure } from "./load-failure.ts"
import { moduleUrl } from "./module-path.ts"
import { understood } from "./understood.ts"

type Whose = "Capstan's" | "anybody's"

export interface PlaceFlags extends ConfigFlags {
  readonly name?: string
  readonly namespace?: string
  readonly context?: string
}

export interface Place {
  readonly name: string
  /** Undefined: the context's. */
  readonly namespace: string | undefined
  /** Undefined: the current one. */
  readonly context: string | undefined
}

/**
 * @param typed a module, or a deployment's name: what is deployed can be removed when its module is
 * gone.
 * @param whose what Capstan makes is called by stricter rules than what anybody may have deployed.
 * @throws {Failure} with exit code 2 when it is neither.
 */
export async function placeOf(
  typed: string,
  flags: PlaceFlags,
  whose: Whose = "Capstan's",
): Promise<Place> {
  const module = isModule(typed, whose) ? moduleUrl(typed) : undefined
  const folder = module === undefined ? process.cwd() : dirname(fileURLToPath(module))
  const stages = await configuredStages(flags, folder)
  if (module === undefined && flags.name !== undefined && flags.name !== typed) {
    throw new Failure(
      2,
      `Which deployment? ${typed} is the name of one, and --name says ${flags.name}.`,
      "With --name, MODULE is the file of the service, or left to be the same name.",
    )
  }
  // A name that was typed goes over the one in the file, which may be another deployment's.
  const name = module === undefined ? checkedName(typed, whose) : undefined
  const typedIn: DeploymentLayer = {
    values: placeIn({ ...flags, name: name === undefined ? flags.name : undefined }),
    spelt: flag,
  }
  // Where it is, and nothing else: what the rest comes to is known with deploy's flags only.
  const layers = [
    ...stages.map(({ deployment: { values, spelt } }) => ({ values: placeIn(values), spelt })),
    typedIn,
  ]
  const isNamed = layers.some((layer) => layer.values.name !== undefined)
  const title = module === undefined || isNamed ? "" : await titleOf(module, typed)
  const facts = { name: nameOf(title), version: "", deadlineMsMax: 1 }
  const place = understood(() => resolveDeployment(facts, layers))
  return name === undefined ? place : { ...place, name }
}

function placeIn({
  name,
  namespace,
  context,
}: DeploymentLayer["values"]): DeploymentLayer["values"] {
  return { name, namespace, context }
}

export function addPlaceFlags(command: Command): void {
  command
    .option("--name <name>", "the service's title\nThe deployment's name.")
    .option("--namespace <name>", "the context's\nThe namespace that it is in.")
    .option("--context <name>", "the current one\nThe kubeconfig's context, and so the cluster.")
  addConfigFlags(command)
}

function isModule(typed: string, whose: Whose): boolean {
  if (typed.includes("/")) return true
  // Names of others may have dots.
  return whose === "anybody's" ? /\.[cm]?[jt]s$/.test(typed) : extname(typed) !== ""
}

function checkedName(typed: string, whose: Whose): string {
  const [isOne, rule] = whose === "anybody's" ? [isObjectName, objectRule] : [isName, nameRule]
  if (isOne(typed)) return typed
  throw new Failure(2, `${JSON.stringify(typed)} is no deployment's name: ${rule}.`)
}

async function titleOf(module: URL, typed: string): Promise<string> {
  const service = await loadService(module).catch((error: unknown) => {
    throw asFailure(loadFailure(error, module), typed)
  })
  return service.title
}
