/**
 * How long tests wait before they give up. A bound on waiting is there for what never comes, so it is
 * generous; and machines differ in speed, so it grows with how slow this one shows itself to be.
 */
import { spawnSync } from "node:child_process"

/** What starting Node takes on the machine for which the bounds were chosen. */
const nodeStartMsThere = 40
/** How often it is started; the middle counts. */
const starts = 5

/** Under this name the test runner tells each file of tests what it measured. */
export const slownessVariable = "TEST_SLOWNESS"

/** How many times as long as there things take here, 1 at the least: by starting Node. */
export function measuredSlowness(): number {
  const tookMs = Array.from({ length: starts }, () => {
    const startedAtMs = performance.now()
    spawnSync(process.execPath, ["-e", ""])
    return performance.now() - startedAtMs
  }).toSorted((a, b) => a - b)
  return Math.max(1, (tookMs[Math.floor(starts / 2)] ?? 0) / nodeStartMsThere)
}

let slowness: number | undefined

/** As long as `ms` on the machine for which the bounds were chosen, and longer on a slower one. */
export function patientMs(ms: number): number {
  slowness ??= Number(process.env[slownessVariable] ?? measuredSlowness())
  return Math.ceil(ms * slowness)
}

/** More than anything here takes on a machine that is busy besides: who waits longer waits in vain. */
export const patienceMs = (): number => patientMs(100_000)
