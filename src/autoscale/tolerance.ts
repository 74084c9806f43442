/**
 * How far use may be off its target before anything happens.
 *
 * Upstream: Tolerances.isWithin in replica_calculator.go.
 */
import type { Tolerance } from "./resolve.ts"

/** `ratio` is use ÷ target. Both ends count as within. */
export function isWithin({ up, down }: Tolerance, ratio: number): boolean {
  return 1 - down <= ratio && ratio <= 1 + up
}
