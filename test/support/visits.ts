/**
 * Arrivals that get to the end of what they do, however long that takes here. A run whose time is
 * over lets an arrival do nothing but its first request.
 */
import { scenario } from "capstan/load"
import type { Result } from "../../src/load/result.ts"
import type { ScenarioConfig } from "../../src/load/scenario/scenario.ts"
import { patientLoad } from "./load-run.ts"
import { patienceMs } from "./patience.ts"

/** How far apart they arrive; nobody waits for who was there before. */
const gapMs = 50

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
  return await patientLoad(
    { ...more, scenario: visit, stages, runTimeMs: 10 * patienceMs() },
    { signal: left.signal },
  )
}
