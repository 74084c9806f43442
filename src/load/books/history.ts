/** What happened second by second, in bounded memory: an old run loses detail, never its course. */

import { peakOf, type TargetFigures } from "../target.ts"
import { type Percent, percents } from "./stats.ts"
import { Thinning } from "./thinning.ts"

export interface Point {
  /** End of the interval, since the run's start. */
  readonly elapsedMs: number
  /** The same in milliseconds since 1970. */
  readonly timeMs: number
  /** Users in the closed model; in the open one, requests that wait for their answers. */
  readonly users: number
  /** What the profile asks for: users, or requests a second. */
  readonly offered: number
  readonly requestsPerS: number
  readonly failuresPerS: number
  /** Of what was answered in the interval; null when nothing was. */
  readonly percentilesMs: Readonly<Record<Percent, number>> | null
  /** How late requests were sent, 99th percentile; 0 in the closed model. */
  readonly lagP99Ms: number
  /** Since the start, as Locust's history has it. */
  readonly total: {
    readonly requests: number
    readonly failures: number
    readonly medianMs: number
    readonly meanMs: number
    readonly minMs: number
    readonly maxMs: number
    readonly meanBytes: number
  }
  /** What the target said of itself. */
  readonly target: TargetFigures | null
}

/** Two hours by the second. */
export const pointsMax = 7200

export class History {
  readonly #points = new Thinning(pointsMax, merged)

  add(point: Point): void {
    this.#points.add(point)
  }

  get points(): readonly Point[] {
    return this.#points.items
  }
}

/**
 * Two points become one: rates as their mean, and percentiles as the higher one, because they can't
 * be averaged and a peak must not vanish.
 */
function merged(a: Point, b: Point): Point {
  const [p, q] = [a.percentilesMs, b.percentilesMs]
  return {
    ...b,
    requestsPerS: (a.requestsPerS + b.requestsPerS) / 2,
    failuresPerS: (a.failuresPerS + b.failuresPerS) / 2,
    percentilesMs:
      p === null || q === null
        ? (p ?? q)
        : (Object.fromEntries(
            percents.map((percent) => [percent, Math.max(p[percent], q[percent])]),
          ) as Record<Percent, number>),
    lagP99Ms: Math.max(a.lagP99Ms, b.lagP99Ms),
    target: b.target === null ? a.target : peakOf(a.target, b.target),
  }
}
