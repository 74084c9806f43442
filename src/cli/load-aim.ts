/** What the person who types `capstan load TARGET` means: whom to load, and with what. */
import { fileURLToPath } from "node:url"
import { resolveTarget } from "../load/config.ts"
import { readScenario } from "../load/scenario/openapi-fetch.ts"
import type { Scenario } from "../load/scenario/scenario.ts"
import { NoScenarioError, scenarioOfModule } from "../load/scenario/scenario-origin.ts"
import { Failure } from "./failure.ts"
import { described, loadFailure } from "./load-failure.ts"
import type { LoadFlags } from "./load-flags.ts"
import { moduleUrl } from "./module-path.ts"

export interface Aim {
  readonly target: URL
  /** Undefined: made of the target's own OpenAPI document. */
  readonly scenario?: Scenario
}

/**
 * @throws {Failure} when the scenario can't be run, or the flags don't go together.
 * @throws {LoadError} when the target is no URL, or the OpenAPI document none.
 */
export async function aimed(typed: string, { host, openapi }: LoadFlags): Promise<Aim> {
  if (/^https?:\/\//.test(typed)) {
    if (host !== undefined) {
      throw new Failure(2, "--host goes with a scenario; here the URL is the target already.")
    }
    const target = resolveTarget(typed)
    return openapi === undefined
      ? { target }
      : { target, scenario: (await readScenario(openapi)).scenario }
  }
  if (openapi !== undefined) {
    throw new Failure(2, "--openapi goes with a URL; the scenario says what to send already.")
  }
  const module = moduleUrl(typed)
  if (host === undefined) {
    throw new Failure(2, "Where shall the scenario go? Say it with --host http://…")
  }
  return { target: resolveTarget(host), scenario: await scenarioFrom(module, typed) }
}

async function scenarioFrom(module: URL, typed: string): Promise<Scenario> {
  try {
    return await scenarioOfModule(module)
  } catch (error) {
    if (error instanceof NoScenarioError) {
      throw new Failure(
        2,
        `${typed} does not export a scenario.`,
        "End it with:  export default scenario({ tasks: { … } })",
      )
    }
    const failed = loadFailure(error, module, [fileURLToPath(module)])
    throw new Failure(failed.exitCode, `${typed} can't be run.`, described(failed).join("\n"))
  }
}
