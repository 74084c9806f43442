/** Flags for a deployment, made from its table, and what a module adds to them. */
import { type Command, Option } from "commander"
import {
  type DeploymentFlags,
  DeploymentOptionError,
  type DeploymentOptionName,
  type DeploymentOptionSpec,
  type DeploymentOptions,
  deploymentTable,
  resolveDeployment,
} from "../kubernetes/manifests/options.ts"
import { nameOf } from "../kubernetes/name.ts"
import { loadService } from "../service/module.ts"
import { flag, resolveSettings } from "../service/settings.ts"
import { Failure } from "./failure.ts"
import { asFailure, loadFailure } from "./load-failure.ts"
import { moduleUrl } from "./module-path.ts"

export function addDeploymentFlags(command: Command): void {
  for (const [name, spec] of Object.entries<DeploymentOptionSpec>(deploymentTable)) {
    const facts = spec.default ?? unsaid[name] ?? "none"
    command.addOption(
      new Option(`${flag(name)} <${valueName(spec)}>`, `${facts}\n${spec.doc}`).helpGroup(group),
    )
  }
  command.addOption(
    repeated("--env <NAME=value>", "none\nAn environment variable; may be said again.").helpGroup(
      group,
    ),
  )
  command.addOption(
    repeated(
      "--env-from <kind/name>",
      "none\nsecret/NAME or configmap/NAME: each of its keys becomes a variable; may be said again.",
    ).helpGroup(group),
  )
}

/**
 * A flag that may be said several times, each with one value: one that takes several would take the
 * module behind it as well.
 */
export function repeated(flags: string, description: string): Option {
  return new Option(flags, description).argParser(
    (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
  )
}

/** What holds for options that have no default in the table. */
const unsaid: Readonly<Record<string, string>> = {
  name: "the service's title",
  namespace: "the context's",
  image: "required",
}

const group = "Deployment:"

/**
 * The deployment that a module and flags describe.
 * @throws {Failure} when the module can't be loaded or a flag is not what it may be.
 */
export async function deploymentOf(
  typed: string,
  flags: DeploymentFlags,
): Promise<DeploymentOptions> {
  const module = moduleUrl(typed)
  const service = await loadService(module).catch((error: unknown) => {
    throw asFailure(loadFailure(error, module), typed)
  })
  const defaults = resolveSettings()
  const deadlineMsMax = (deadlineMs: number): number =>
    Math.max(...Array.from(service.operations.values(), (each) => each.deadlineMs ?? deadlineMs))
  const { title, version } = service
  const facts = { name: nameOf(title), version }
  const resolve = (deadlineMs: number): DeploymentOptions =>
    resolveDeployment({ ...facts, deadlineMsMax: deadlineMsMax(deadlineMs) }, flags, flag)
  try {
    const { env } = resolve(defaults.deadlineMs)
    // Said now rather than by a pod that does not start.
    return resolve(resolveSettings({ env }).deadlineMs)
  } catch (error) {
    if (error instanceof DeploymentOptionError) throw new Failure(2, error.message)
    throw error
  }
}

/** Of a command's options, those that describe the deployment. */
export function givenDeployment(command: Command): DeploymentFlags {
  const all: Readonly<Record<string, unknown>> = command.opts()
  const names = [...Object.keys(deploymentTable), "env", "envFrom"] as readonly (
    | DeploymentOptionName
    | "env"
    | "envFrom"
  )[]
  return Object.fromEntries(names.map((name) => [name, all[name]]))
}

function valueName(spec: DeploymentOptionSpec): string {
  switch (spec.kind) {
    case "choice":
      return spec.choices.join("|")
    case "integer":
      return "n"
    case "cpu-or-none":
      return "cpu"
    default:
      return spec.kind
  }
}
