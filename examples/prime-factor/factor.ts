/**
 * The largest prime factor of `n`, the naive way: divide by i while i ≤ n / i.
 *
 * Exact for every whole number from 2 to 2⁵³ − 1, although `n / i` is rounded. With q = n / i and
 * 2ᵏ ≤ q < 2ᵏ⁺¹, neighbouring doubles lie 2ᵏ⁻⁵² apart, so rounding moves q by at most 2ᵏ⁻⁵³. When i
 * does not divide n, q is at least 1 / i away from every whole number; and i · q = n < 2⁵³ gives
 * 1 / i > 2ᵏ⁻⁵³. So the rounded quotient is whole exactly when i divides n, and never passes over i.
 * The usual `i * i <= n` and `n % i` need two operations, the first of which leaves the safe
 * integers at the end and the second of which is three times as slow as a division.
 */
export function largestPrimeFactor(n: number): number {
  let i = 2
  for (let quotient = n / i; i <= quotient; quotient = n / i) {
    if (Math.floor(quotient) === quotient) n = quotient
    else i += 1
  }
  return n
}
