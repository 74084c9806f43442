/**
 * Whole numbers as upstream has them: 64 bits for amounts, 32 for counts and percentages. Where a
 * result does not fit, upstream's processor decides what becomes of it, so that decides here too.
 *
 * Amounts are exact up to 2^53 thousandths: nine million cores, or 8 TiB of memory over all pods.
 * Products of them are exact beyond.
 */

const int32Max = 2_147_483_647
const int32Min = -2_147_483_648

/** A float as a count, fraction cut off. What does not fit, NaN too, becomes the smallest there is. */
export function toCount(value: number): number {
  return value > int32Min - 1 && value < int32Max + 1 ? Math.trunc(value) + 0 : int32Min
}

/** As `toCount`, but what is too large becomes the largest there is. */
export function toCountCapped(value: number): number {
  return value > int32Max ? int32Max : toCount(value)
}

/** A sum of counts: what is too large goes on from the smallest. */
export function wrapCount(value: number): number {
  return value | 0
}

/** An amount, or `undefined` where upstream says a number that means nothing: after x / 0. */
export function toAmount(value: number): number | undefined {
  return Number.isSafeInteger(value) ? value + 0 : undefined
}

/** a / b, cut. b is not 0. */
export function divide(a: number, b: number): number {
  return Math.trunc(a / b) + 0
}

/** a × b / c, cut. c is not 0. */
export function multiplyDivide(a: number, b: number, c: number): number {
  const product = a * b
  if (Number.isSafeInteger(product)) return divide(product, c)
  return Number(BigInt.asIntN(64, BigInt(a) * BigInt(b)) / BigInt(c))
}
