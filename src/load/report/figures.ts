/** Numbers as people read them, in every report alike. */

/** `12.3 ms`, `1.23 s`: three digits, as they were measured. */
export function time(ms: number): string {
  if (ms >= 9995) return `${(ms / 1000).toFixed(1)} s`
  if (ms >= 999.5) return `${(ms / 1000).toFixed(2)} s`
  return `${ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`
}

/** `12,345`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en")
}

/** A rate, or another number that need not be whole: three digits, or all before the point. */
export function rate(value: number): string {
  if (value >= 100) return count(value)
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** `0.1%`, of a share from 0 to 1. What is not nothing is never shown as nothing, nor as all. */
export function percent(share: number): string {
  const value = share * 100
  if (value === 0) return "0%"
  if (value < 0.01) return "<0.01%"
  if (value < 100 && value >= 99.95) return ">99.9%"
  const digits = value < 1 ? 2 : value < 10 || (value > 99 && value < 100) ? 1 : 0
  return `${value.toFixed(digits)}%`
}

/** `1.2 kB`. */
export function bytes(value: number): string {
  if (value < 1000) return `${Math.round(value)} B`
  const steps = ["kB", "MB", "GB"]
  const step = Math.min(steps.length - 1, Math.floor(Math.log10(value) / 3) - 1)
  return `${rate(value / 1000 ** (step + 1))} ${steps[step]}`
}

/** `2026-11-24 09:46:09 UTC`. */
export function moment(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`
}
