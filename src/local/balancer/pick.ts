/**
 * Least outstanding requests: the replica with the fewest gets the next one.
 *
 * It is the policy that needs to know nothing: a replica that is slow, cold or busy with something
 * long keeps its requests longer, so it gets fewer. Two choices at random would do for many
 * balancers that know little of each other; this one is alone and knows all. Among equals chance
 * decides, or the first would get everything while there is little to do.
 */
import type { Random } from "../../core/random.ts"

export interface Candidate {
  readonly outstanding: number
  takes(nowMs: number): boolean
}

export function pick<C extends Candidate>(
  candidates: Iterable<C>,
  nowMs: number,
  random: Random,
): C | undefined {
  let chosen: C | undefined
  let equals = 0
  for (const candidate of candidates) {
    if (!candidate.takes(nowMs)) continue
    if (chosen === undefined || candidate.outstanding < chosen.outstanding) {
      chosen = candidate
      equals = 1
    } else if (candidate.outstanding === chosen.outstanding) {
      equals += 1
      // The n-th equal one takes over with chance 1/n, which gives all of them the same.
      if (random() * equals < 1) chosen = candidate
    }
  }
  return chosen
}
