/**
 * Kubernetes' decimal numbers, exactly. They are read as whole billionths, the finest that
 * Kubernetes keeps, because it matters how a number becomes a float: a tolerance of 0.57 is stored
 * as 570m and used as 570 × 0.001, which is not 0.57.
 *
 * Upstream: apimachinery, pkg/api/resource/quantity.go.
 */
import type { Quantity } from "./spec.ts"

/** Billionths. */
export type Nano = bigint

const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:([numkMGTPE])|([KMGTPE])i|[eE]([+-]?\d{1,2}))?$/
const decimalPowers: Readonly<Record<string, number>> = {
  ...{ n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 },
}
const binarySuffixes = "KMGTPE"

/** What a quantity is worth, or `undefined` when it is none. Finer than a billionth rounds up. */
export function parseQuantity(quantity: Quantity): Nano | undefined {
  const match = pattern.exec(String(quantity).trim())
  if (match === null) return undefined
  const [, sign, whole = "", fraction = "", decimal, binary, exponent] = match
  if (whole + fraction === "") return undefined
  const power = decimal !== undefined ? decimalPowers[decimal]! : Number(exponent ?? 0)
  const multiple = binary === undefined ? 1n : 1024n ** BigInt(binarySuffixes.indexOf(binary) + 1)
  const size = shift(BigInt(whole + fraction) * multiple, power - fraction.length + 9)
  return sign === "-" ? -size : size
}

/** Thousandths, rounded up: away from zero. */
export function toMilli(nano: Nano): number {
  return Number(nano < 0n ? -shift(-nano, -6) : shift(nano, -6))
}

/** As Kubernetes makes a float of it: mantissa × power of ten, the power a multiple of three. */
export function toFloat(nano: Nano): number {
  if (nano === 0n) return 0
  let [mantissa, power] = [nano, -9]
  while (mantissa % 1000n === 0n) {
    mantissa /= 1000n
    power += 3
  }
  return power === 0 ? Number(mantissa) : Number(mantissa) * Number(`1e${power}`)
}

/** `value` × 10 to the `power`, rounded up. */
function shift(value: bigint, power: number): bigint {
  if (power >= 0) return value * 10n ** BigInt(power)
  const divisor = 10n ** BigInt(-power)
  return (value + divisor - 1n) / divisor
}
