/**
 * A profile: offered load over time, as straight lines between points. Everything here is a function
 * of time alone, so that a schedule can be checked without waiting for it.
 *
 * What the values count is for whoever uses it to say: users, or requests a second. In the second
 * case the area below the line is the number of requests, and a request's time is where the area
 * reaches its number. That is what makes a ramp even within each second, and never a burst.
 */

export interface Stage {
  /** Since the run's start. */
  readonly atMs: number
  /** Users, or requests a second. */
  readonly value: number
}

/** Points in order of time, the first at 0. The last value holds for ever. */
export type Profile = readonly [Stage, ...Stage[]]

export function constant(value: number): Profile {
  return [{ atMs: 0, value }]
}

/** From one value to another, changing by `perSecond`, more than 0. */
export function ramp(from: number, to: number, perSecond: number): Profile {
  const endMs = (Math.abs(to - from) / perSecond) * 1000
  return [
    { atMs: 0, value: from },
    { atMs: endMs, value: to },
  ]
}

/** When the last point is reached. */
export function lastStageMs(profile: Profile): number {
  return profile.at(-1)!.atMs
}

export function valueAt(profile: Profile, elapsedMs: number): number {
  const next = profile.findIndex(({ atMs }) => atMs > elapsedMs)
  if (next === -1) return profile.at(-1)!.value
  const from = profile[next - 1] ?? profile[0]
  const to = profile[next]!
  const share = (elapsedMs - from.atMs) / (to.atMs - from.atMs)
  return from.value + (to.value - from.value) * share
}

/** The area below the line up to then, in value × seconds. */
export function areaAt(profile: Profile, elapsedMs: number): number {
  let area = 0
  for (const [index, from] of profile.entries()) {
    if (from.atMs >= elapsedMs) break
    const endMs = Math.min(elapsedMs, profile[index + 1]?.atMs ?? Number.POSITIVE_INFINITY)
    // From this point's own value: where the line jumps, another one stands at the same time.
    const end =
      endMs === profile[index + 1]?.atMs ? profile[index + 1]!.value : valueAt(profile, endMs)
    area += ((from.value + end) / 2) * ((endMs - from.atMs) / 1000)
  }
  return area
}

/** When the area below the line, in value × seconds, reaches `area`. Infinity: never. */
export function timeOfAreaMs(profile: Profile, area: number): number {
  let rest = area
  // By index: this is asked for every request.
  for (let index = 0; index < profile.length; index++) {
    const from = profile[index]!
    const to = profile[index + 1]
    const lengthS = to === undefined ? Number.POSITIVE_INFINITY : (to.atMs - from.atMs) / 1000
    const slope = to === undefined || lengthS === 0 ? 0 : (to.value - from.value) / lengthS
    const here =
      to === undefined ? Number.POSITIVE_INFINITY : ((from.value + to.value) / 2) * lengthS
    if (rest > here) {
      rest -= here
      continue
    }
    // v·x + slope·x²/2 = rest, solved in the form that does not cancel when the slope is small.
    const root = Math.sqrt(Math.max(0, from.value ** 2 + 2 * slope * rest))
    const divisor = from.value + root
    if (divisor === 0) return rest === 0 ? from.atMs : Number.POSITIVE_INFINITY
    return from.atMs + ((2 * rest) / divisor) * 1000
  }
  return Number.POSITIVE_INFINITY
}
