import { jitter, type Random } from "./random.ts"

/**
 * How long to wait after the n-th failure in a row: 100 ms, doubled each time, 30 s at most, give or
 * take a fifth.
 * @param failures 1 or more.
 */
export function backoffMs(failures: number, random: Random = Math.random): number {
  return jitter(Math.min(30_000, 100 * 2 ** (failures - 1)), 0.2, random)
}
