/** Loads that wait for as long as it takes: a machine that is slow costs none of their requests. */
import { type LoadConfig, resolveLoad } from "../../src/load/config.ts"
import type { Result } from "../../src/load/result.ts"
import { Run, type RunOptions } from "../../src/load/run.ts"
import type { Scenario } from "../../src/load/scenario/scenario.ts"
import { patienceMs } from "./patience.ts"

/** The longest that a load can be told to wait for an answer. */
const timeoutMsMax = 600_000

/** So long does a patient load wait for an answer. */
export const answerPatienceMs = (): number => Math.min(patienceMs(), timeoutMsMax)

type Config = Omit<LoadConfig, "scenario"> & { readonly scenario: Scenario }
type Options = Omit<RunOptions, "scenario"> & { readonly signal?: AbortSignal }

/**
 * As `load()`, from whose run it differs in its patience only. Without a run time it goes on until the
 * signal is aborted; one that waits for that in vain ends too, as "run time over".
 */
export async function patientLoad(
  { scenario, ...config }: Config,
  { signal, ...options }: Options = {},
): Promise<Result> {
  const plan = resolveLoad({
    timeoutMs: answerPatienceMs(),
    runTimeMs: patienceMs(),
    ...config,
  })
  const run = new Run(plan, { scenario, graceMs: patienceMs(), ...options })
  signal?.addEventListener("abort", () => void run.stop())
  return await run.done
}

/** A signal that is aborted when it has been counted to `max`. */
export function enough(max: number): { readonly signal: AbortSignal; readonly count: () => void } {
  const controller = new AbortController()
  let counted = 0
  return {
    signal: controller.signal,
    count() {
      counted += 1
      if (counted === max) controller.abort()
    },
  }
}
