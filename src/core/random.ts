/** A number in [0, 1), like `Math.random`. A parameter wherever chance matters. */
export type Random = () => number

/** `value` give or take `share` of it: `jitter(10, 0.2)` is in [8, 12). */
export function jitter(value: number, share: number, random: Random = Math.random): number {
  return value * (1 - share + 2 * share * random())
}
