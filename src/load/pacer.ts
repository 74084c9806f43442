/**
 * When the next thing is due. Pure: what was sent and the time go in, a time comes out.
 *
 * In the open model arrivals come whether or not earlier ones were answered. Each has a mark on the
 * area below the profile's line. Even arrivals have their marks one apart; by Poisson the gaps are
 * exponential with mean one, which under any profile gives exactly the process whose rate is that
 * profile. In the closed model there are so many users at a time, and each sends when it has its
 * answer.
 */
import type { Random } from "../core/random.ts"
import { type Profile, timeOfAreaMs, valueAt } from "./profile.ts"

export type Arrivals = "even" | "poisson"

/**
 * The mark of the arrival after the one at `mark`, `undefined` before the first. The first even one
 * stands in the middle of its share, so that no end of a run belongs to two.
 */
export function nextMark(arrivals: Arrivals, mark: number | undefined, random: Random): number {
  if (arrivals === "even") return mark === undefined ? 0.5 : mark + 1
  return (mark ?? 0) - Math.log(1 - random())
}

/** When the arrival with this mark is due, since the profile's start. Infinity: never. */
export function dueMs(profile: Profile, mark: number): number {
  return timeOfAreaMs(profile, mark)
}

/** How many users there ought to be. While it rises by r a second, one starts each 1/r seconds. */
export function usersAt(profile: Profile, elapsedMs: number): number {
  return Math.max(0, Math.ceil(valueAt(profile, elapsedMs) - 1e-9))
}
