/** Student's t distribution, as far as intervals need it. */

const steps = 4000
/** A comparison asks for a few, hundreds of times. */
const known = new Map<string, number>()
const knownMax = 1000

/**
 * The value that |t| exceeds with probability `alpha`, by `degrees` of freedom, at least 1.
 *
 * With t = √ν·tan θ the density is proportional to cos^(ν−1) θ, which needs no gamma function: the
 * tail is added up from its end by the trapezoid rule, until it is the part of the whole that
 * `alpha` is.
 */
export function studentQuantile(alpha: number, degrees: number): number {
  // From a thousand on it is the normal distribution, to three digits.
  const nu = Math.min(1000, Math.max(1, degrees))
  const key = `${alpha} ${nu}`
  const quantile = known.get(key) ?? added(alpha, nu)
  if (known.size < knownMax) known.set(key, quantile)
  return quantile
}

function added(alpha: number, nu: number): number {
  const width = Math.PI / 2 / steps
  const density = (index: number): number => Math.max(0, Math.cos(index * width)) ** (nu - 1)
  const slice = (index: number): number => ((density(index) + density(index + 1)) / 2) * width
  let whole = 0
  for (let index = 0; index < steps; index++) whole += slice(index)
  let tail = 0
  let index = steps - 1
  while (tail + slice(index) < alpha * whole) tail += slice(index--)
  // Within the slice, in a straight line.
  const part = (alpha * whole - tail) / slice(index)
  return Math.sqrt(nu) * Math.tan((index + 1 - part) * width)
}
