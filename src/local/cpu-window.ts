/**
 * A replica's CPU use, as metrics-server would have it: the rate between the two newest of its
 * readings, which come once a resolution. What that leaves out is part of how an autoscaler behaves:
 * use is the mean of a window that is over, and a process that has just started has none.
 *
 * Upstream: pkg/storage/pod.go of kubernetes-sigs/metrics-server: of a container that has one reading
 * only, its start is the other, if it is at least 10 of the usual 15 s old.
 */
export interface CpuReading {
  readonly atMs: number
  /** Used since the process started. */
  readonly cpuMs: number
}

/** The two newest, the older one first. */
export type CpuReadings = readonly CpuReading[]

/** The mean over a window that ends at a point in time. */
export interface CpuSample {
  readonly atMs: number
  readonly windowMs: number
  /** Thousandths of a core. */
  readonly usedMilli: number
}

/** How old a process must be for its start to count as a reading, in parts of the resolution. */
const ageMin = 10 / 15

export function withReading(
  readings: CpuReadings,
  reading: CpuReading,
  startedAtMs: number,
  resolutionMs: number,
): CpuReadings {
  const before = readings.at(-1)
  if (before !== undefined) return [before, reading]
  const ageMs = reading.atMs - startedAtMs
  const isFresh = ageMs >= ageMin * resolutionMs && ageMs < resolutionMs
  return isFresh ? [{ atMs: startedAtMs, cpuMs: 0 }, reading] : [reading]
}

/** `undefined` while there are not two readings: the metric is missing. */
export function sampleOf([earlier, latest]: CpuReadings): CpuSample | undefined {
  if (earlier === undefined || latest === undefined || latest.atMs <= earlier.atMs) return undefined
  const windowMs = latest.atMs - earlier.atMs
  const usedMilli = Math.max(0, Math.round(((latest.cpuMs - earlier.cpuMs) * 1000) / windowMs))
  return { atMs: latest.atMs, windowMs, usedMilli }
}
