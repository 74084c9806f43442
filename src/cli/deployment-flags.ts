/**
 * What a deployment and its image are, from the module, the configuration file and the flags.
 */
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { type Command, Option } from "commander"
import {
  type ImageLayer,
  type ImageOptions,
  imageTable,
  resolveImage,
} from "../kubernetes/image/options.ts"
import {
  type DeploymentLayer,
  type DeploymentOptions,
  deploymentTable,
  resolveDeployment,
} from "../kubernetes/manifests/options.ts"
import { type EnvironmentValue, textsIn } from "../kubernetes/manifests/variables.ts"
import { nameOf } from "../kubernetes/name.ts"
import type { OptionSpec } from "../kubernetes/option.ts"
import { loadService } from "../service/module.ts"
import type { Service } from "../service/service.ts"
import { flag, resolveSettings } from "../service/settings.ts"
import { type ConfigFlags, configuredStages } from "./config-file.ts"
import { addListFlags, givenLists } from "./list-flags.ts"
import { asFailure, loadFailure } from "./load-failure.ts"
import { moduleUrl } from "./module-path.ts"
import { addOptionFlags, givenValues } from "./option-flags.ts"
import { understood } from "./understood.ts"

/** What was given on the command line. */
export interface Given {
  readonly config: ConfigFlags
  readonly image: ImageLayer
  readonly deployment: DeploymentLayer
  /** Whether a bundle is started once before its image is called done. */
  readonly check: boolean
}

export interface Described {
  readonly module: URL
  readonly service: Service
  readonly image: ImageOptions
  readonly deployment: DeploymentOptions
  readonly check: boolean
}

/**
 * @throws {Failure} when the module or the configuration can't be loaded, or an option is not what it
 * may be.
 */
export async function describe(typed: string, given: Given): Promise<Described> {
  const module = moduleUrl(typed)
  const stages = await configuredStages(given.config, dirname(fileURLToPath(module)))
  const layers = [...stages.map((stage) => stage.deployment), given.deployment]
  const service = await withVariables(merged(layers), () => loadService(module)).catch(
    (error: unknown) => {
      throw asFailure(loadFailure(error, module), typed)
    },
  )
  return understood(() => ({
    module,
    service,
    check: given.check,
    image: resolveImage([...stages.map((stage) => stage.image), given.image]),
    deployment: deploymentOf(service, layers),
  }))
}

function merged(layers: readonly DeploymentLayer[]): Readonly<Record<string, EnvironmentValue>> {
  return Object.fromEntries(layers.flatMap(({ env = {} }) => Object.entries(env)))
}

/**
 * Runs `work` with variables that are given for the deployment: a module may read them while it is
 * loaded. Afterwards they are what they were, since they are not for builders and their like.
 */
async function withVariables<T>(
  env: Readonly<Record<string, EnvironmentValue>>,
  work: () => Promise<T>,
): Promise<T> {
  const before = { ...process.env }
  const texts = textsIn(env)
  Object.assign(process.env, texts)
  try {
    return await work()
  } finally {
    for (const name of Object.keys(texts)) {
      const value = before[name]
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}

function deploymentOf(service: Service, layers: readonly DeploymentLayer[]): DeploymentOptions {
  const deadlineMsMax = (deadlineMs: number): number =>
    Math.max(...Array.from(service.operations.values(), (each) => each.deadlineMs ?? deadlineMs))
  const { title, version } = service
  const resolve = (deadlineMs: number): DeploymentOptions =>
    resolveDeployment(
      { name: nameOf(title), version, deadlineMsMax: deadlineMsMax(deadlineMs) },
      layers,
    )
  const { env } = resolve(resolveSettings().deadlineMs)
  // What a setting may not be is said now rather than by a pod that does not start.
  return resolve(resolveSettings({ env: textsIn(env) }).deadlineMs)
}

export function addConfigFlags(command: Command): void {
  const file = "the nearest capstan.config.ts\nThe configuration file. Flags go over it."
  const environment = "none\nThe environment in it that counts."
  command
    .addOption(new Option("--config <file>", file).helpGroup("Configuration:"))
    .addOption(new Option("--environment <name>", environment).helpGroup("Configuration:"))
}

export function addImageFlags(command: Command): void {
  addOptionFlags(command, imageTable, "Image:", {
    tag: "the service's title and version",
    platform: "the cluster's, or this machine's",
    builder: "the first that works",
  })
  const check = "checked\nDon't start the bundle once before the image is called done."
  command.addOption(new Option("--no-check", check).helpGroup("Image:"))
}

/**
 * @param image what holds when no image is named.
 * @param table without what has no meaning for the command.
 */
export function addDeploymentFlags(
  command: Command,
  image: string,
  table: Readonly<Record<string, OptionSpec>> = deploymentTable,
): void {
  addOptionFlags(command, table, group, {
    name: "the service's title",
    context: "the current one",
    namespace: "the context's",
    image,
  })
  addListFlags(command, group)
}

const group = "Deployment:"

/** Of a command's options, those that describe image and deployment. */
export function givenOptions(command: Command): Given {
  const all: ConfigFlags & { readonly check?: boolean } = command.opts()
  return {
    config: { config: all.config, environment: all.environment },
    check: all.check ?? true,
    image: { values: givenValues(command, imageTable), spelt: flag },
    deployment: { values: givenValues(command, deploymentTable), ...givenLists(command) },
  }
}
