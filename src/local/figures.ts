/** What a replica tells of itself on its management port, of which this is what is used. */

export interface Figures {
  readonly workers: number
  readonly busy: number
  readonly queued: number
  /** Cores that were asked for in the last second, unsmoothed. */
  readonly demandCores: number
  /** Refused since its process started. */
  readonly shedTotal: number
  /** CPU time that its process has used, where it knows. */
  readonly cpuMs: number | undefined
}

/** Of the texts of `/demand` and `/metrics`. `undefined` unless both tell what they should. */
export function figuresOf(
  demand: string | undefined,
  metrics: string | undefined,
): Figures | undefined {
  if (demand === undefined || metrics === undefined) return undefined
  let told: Readonly<Record<string, unknown>>
  try {
    told = JSON.parse(demand) ?? {}
  } catch {
    return undefined
  }
  const { workers, busy, queued, coresLastSecond: demandCores } = told
  if (![workers, busy, queued, demandCores].every(Number.isFinite)) return undefined
  const seconds = sumOf(metrics, "process_cpu_seconds_total")
  return {
    ...({ workers, busy, queued, demandCores } as Omit<Figures, "shedTotal" | "cpuMs">),
    shedTotal: sumOf(metrics, "capstan_shed_total") ?? 0,
    cpuMs: seconds === undefined ? undefined : seconds * 1000,
  }
}

/** Over all labels. `undefined` when there is no such metric. */
function sumOf(metrics: string, name: string): number | undefined {
  let sum: number | undefined
  for (const [, value] of metrics.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, "gm"))) {
    sum = (sum ?? 0) + Number(value)
  }
  return sum
}
