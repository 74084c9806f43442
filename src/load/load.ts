/** A load from code: `const result = await load({ target, rate: 200, runTimeMs: 10_000 })`. */
import { type LoadConfig, resolveLoad } from "./config.ts"
import { fetchScenario } from "./openapi-fetch.ts"
import type { Result } from "./result.ts"
import { Run } from "./run.ts"

/**
 * Runs a load to its end and says what came of it. Requests that fail are in the result; it rejects
 * only when there was nothing to run.
 * @param options `signal` ends it early, and the result is that of the part that ran.
 * @throws {LoadError} when the load is not one, or there is no scenario and none can be made.
 */
export async function load(
  config: LoadConfig,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Result> {
  const plan = resolveLoad(config)
  const made =
    config.scenario === undefined
      ? await fetchScenario(plan.target, plan.headers)
      : { scenario: config.scenario, notes: [] }
  const run = new Run(plan, made)
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
