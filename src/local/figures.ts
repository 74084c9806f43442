/** What a replica tells of itself on its management port, of which this is what is used. */

export interface Figures {
  readonly workers: number
  readonly busy: number
  readonly queued: number
  /** Cores that were asked for in the last second, unsmoothed. */
  readonly demandCores: number
  /** Refused since its process started. */
  readonly shedTotal: number
  /** Workers that do not end though they were terminated. */
  readonly stuck: number
  /** What its worker threads hold, where it says so. */
  readonly memoryBytes: number | undefined
  /** Why it is not ready, or which operations it refuses. */
  readonly troubles: readonly string[]
  /** CPU time that its process has used, where it knows. */
  readonly cpuMs: number | undefined
}

/**
 * Of the texts of `/demand`, `/metrics` and `/readyz`. `undefined` unless the first two tell what they
 * should.
 */
export function figuresOf(
  demand: string | undefined,
  metrics: string | undefined,
  readyz: string | undefined,
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
    ...({ workers, busy, queued, demandCores } as Pick<
      Figures,
      "workers" | "busy" | "queued" | "demandCores"
    >),
    stuck: sumOf(metrics, "capstan_workers", 'state="stuck"') ?? 0,
    memoryBytes: sumOf(metrics, "capstan_worker_memory_bytes"),
    troubles: troublesOf(readyz ?? ""),
    shedTotal: sumOf(metrics, "capstan_shed_total") ?? 0,
    cpuMs: seconds === undefined ? undefined : seconds * 1000,
  }
}

/** A problem's detail when it is not ready, else a line for each operation that it refuses. */
function troublesOf(readyz: string): readonly string[] {
  try {
    return [String(JSON.parse(readyz).detail)]
  } catch {
    return Array.from(readyz.matchAll(/^Refused: (.*)$/gm), ([, why]) => why as string)
  }
}

/**
 * Over all labels, or those that have this one. `undefined` when there is no such metric.
 * @param label as it is written: `state="stuck"`.
 */
function sumOf(metrics: string, name: string, label?: string): number | undefined {
  const labels = label === undefined ? "(?:\\{.*\\})?" : `\\{(?:.*,)?${label}.*\\}`
  let sum: number | undefined
  for (const [, value] of metrics.matchAll(new RegExp(`^${name}${labels} (\\S+)$`, "gm"))) {
    sum = (sum ?? 0) + Number(value)
  }
  return sum
}
