/**
 * Arrivals that get to the end of what they do, however long that takes here. A run whose time is
 * over lets an arrival do nothing but its first request.
 */
import { load, scenario } from "capstan/load"
import type { Result } from "../../src/load/result.ts"
import type { ScenarioConfig } from "../../src/load/scenario/scenario.ts"

/** How far apart they arrive. */
const gapMs = 250

/** So many visits, and what came of them; the run ends when the last has left. */
export async function visits<State = undefined>(
  count: number,
  config: ScenarioConfig<State>,
  more: { target: string; timeoutMs?: number; headers?: Record<string, string> },
): Promise<Result> {
  const left = new AbortController()
  let leaving = 0
  const visit = scenario<State>({
    ...config,
    async tearDown(user, state) {
      await config.tearDown?.(user, state)
      leaving += 1
      if (leaving === count) left.abort()
    },
  })
  const [rate, ms] = [`${1000 / gapMs}/s`, count * gapMs]
  const stages = `0:${rate},${ms}ms:${rate},${ms}ms:0/s`
  return await load(
    { ...more, scenario: visit, stages, runTimeMs: 100_000 },
    { signal: left.signal },
  )
}
