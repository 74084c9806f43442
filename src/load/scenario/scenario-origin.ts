/** Gets a scenario from where it comes from: a module, or an OpenAPI document. */
import { LoadError } from "../error.ts"
import { scenarioFromOpenApi } from "./openapi.ts"
import { isScenario, type Scenario, type ScenarioOrigin } from "./scenario.ts"

/**
 * The scenario that a module exports.
 * @throws {LoadError} when it exports none. What importing it throws is passed on as it is.
 */
export async function scenarioOfModule(module: URL): Promise<Scenario> {
  const exported: unknown = (await import(module.href)).default
  if (isScenario(exported)) return { ...exported, origin: { module: module.href } }
  throw new NoScenarioError(
    `${module.href} does not export a scenario. End it with: export default scenario({ tasks: { … } })`,
  )
}

/** The module could be loaded, and is none. */
export class NoScenarioError extends LoadError {}

/** @throws {LoadError} as {@link scenarioOfModule}. */
export async function scenarioOf(origin: ScenarioOrigin): Promise<Scenario> {
  if ("module" in origin) return await scenarioOfModule(new URL(origin.module))
  const { scenario } = scenarioFromOpenApi(origin.document)
  if (scenario === undefined) throw new LoadError("The document has no operation that can be sent.")
  return scenario
}
