/**
 * Factoring by a method that has nothing in common with trial division: Miller–Rabin and Pollard's
 * rho over BigInt. It is what the example is checked against.
 */

/** The largest prime factor of `n`, 2 ≤ n < 2⁶⁴. */
export function independentLargestPrimeFactor(n: bigint): bigint {
  if (isPrime(n)) return n
  const divisor = properDivisor(n)
  const [a, b] = [
    independentLargestPrimeFactor(divisor),
    independentLargestPrimeFactor(n / divisor),
  ]
  if (a > b) return a
  return b
}

// These bases make the test deterministic below 3.3 · 10²⁴ (Sorenson and Webster).
const bases = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n, 41n]

export function isPrime(n: bigint): boolean {
  if (n < 2n) return false
  for (const base of bases) if (n % base === 0n) return n === base
  let odd = n - 1n
  let twos = 0
  for (; odd % 2n === 0n; odd /= 2n) twos += 1
  return bases.every((base) => {
    let x = power(base, odd, n)
    if (x === 1n || x === n - 1n) return true
    for (let i = 1; i < twos; i++) {
      x = (x * x) % n
      if (x === n - 1n) return true
    }
    return false
  })
}

/** A divisor of a composite `n` that is neither 1 nor `n`. */
function properDivisor(n: bigint): bigint {
  if (n % 2n === 0n) return 2n
  for (let c = 1n; ; c += 1n) {
    const step = (x: bigint) => (x * x + c) % n
    let [slow, fast, divisor] = [2n, 2n, 1n]
    while (divisor === 1n) {
      slow = step(slow)
      fast = step(step(fast))
      divisor = gcd(slow > fast ? slow - fast : fast - slow, n)
    }
    if (divisor !== n) return divisor
  }
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  for (let square = base % modulus; exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b]
  return a
}
