/** A load from code: `const result = await load({ target, rate: 200, runTimeMs: 10_000 })`. */
import { type LoadConfig, resolveLoad } from "./config.ts"
import type { Result } from "./result.ts"
import { Run } from "./run.ts"
import { fetchScenario } from "./scenario/openapi-fetch.ts"
import type { Scenario } from "./scenario/scenario.ts"
import { scenarioOfModule } from "./scenario/scenario-origin.ts"

export interface LoadOptions extends Omit<LoadConfig, "scenario"> {
  /** One made here, or the URL of the module that exports it. @default made from the target's `/openapi.json` */
  readonly scenario?: Scenario | URL
}

/**
 * Runs a load to its end and says what came of it. Requests that fail are in the result; it rejects
 * only when there was nothing to run.
 * @param options `signal` ends it early, and the result is that of the part that ran.
 * @throws {LoadError} when the load is not one, or there is no scenario and none can be made.
 */
export async function load(
  { scenario: given, ...config }: LoadOptions,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Result> {
  const plan = resolveLoad(config)
  const scenario =
    given === undefined
      ? (await fetchScenario(plan.target, plan.headers, plan.insecure)).scenario
      : given instanceof URL
        ? await scenarioOfModule(given)
        : given
  const run = new Run(plan, { scenario, notes: scenario.notes })
  const { signal } = options
  const stop = (): void => void run.stop()
  if (signal?.aborted) stop()
  signal?.addEventListener("abort", stop)
  try {
    return await run.done
  } finally {
    signal?.removeEventListener("abort", stop)
  }
}
