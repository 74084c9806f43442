/**
 * When the next thing is due. Pure: what was sent and the time go in, a time comes out.
 *
 * In the open model arrivals come whether or not earlier ones were answered. Each has a mark on the
 * area below the profile's line. Even arrivals have their marks one apart; by Poisson the gaps are
 * exponential with mean one, which under any profile gives exactly the process whose rate is that
 * profile. In the closed model there are so many users at a time, and each sends when it has its
 * answer.
 *
 * Several threads share one profile so that together they do what one would. Of even arrivals each
 * takes every n-th, of users too; of those by chance each makes its own, an n-th as dense, and the
 * sum of such processes is the whole one again. So there are no bursts where their seconds meet.
 */
import type { Random } from "../../core/random.ts"
import { areaAt, type Profile, timeOfAreaMs, valueAt } from "./profile.ts"

export type Arrivals = "even" | "poisson"

/** One of several that share the work. */
export interface Share {
  /** From 0. */
  readonly number: number
  readonly of: number
}

export const alone: Share = { number: 0, of: 1 }

/**
 * The first mark of this share that is due at `elapsedMs` or later. The very first even one stands
 * in the middle of its share, so that no end of a run belongs to two.
 */
export function firstMark(
  arrivals: Arrivals,
  profile: Profile,
  elapsedMs: number,
  share: Share,
  random: Random,
): number {
  const area = areaAt(profile, Math.max(0, elapsedMs))
  if (arrivals === "poisson") return nextMark(arrivals, area, share, random)
  let count = Math.max(0, Math.floor(area))
  // Decided by the times themselves, so that of two shares that meet here one has it, not both.
  while (count > 0 && dueMs(profile, count - 0.5) >= elapsedMs) count -= 1
  while (dueMs(profile, count + 0.5) < elapsedMs) count += 1
  const ahead = (((share.number - count) % share.of) + share.of) % share.of
  return count + ahead + 0.5
}

/** The mark of this share's arrival after the one at `mark`. */
export function nextMark(arrivals: Arrivals, mark: number, share: Share, random: Random): number {
  return arrivals === "even" ? mark + share.of : mark - Math.log(1 - random()) * share.of
}

/** When the arrival with this mark is due, since the profile's start. Infinity: never. */
export function dueMs(profile: Profile, mark: number): number {
  return timeOfAreaMs(profile, mark)
}

/**
 * How many users this share ought to have. While all of them rise by r a second, one starts each
 * 1/r seconds.
 */
export function usersAt(profile: Profile, elapsedMs: number, share: Share): number {
  const all = Math.max(0, Math.ceil(valueAt(profile, elapsedMs) - 1e-9))
  return Math.max(0, Math.ceil((all - share.number) / share.of))
}
