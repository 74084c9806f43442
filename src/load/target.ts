/**
 * What the target says of itself, on the same time axis as the load. A source is whatever can be
 * asked for it once a second: a Capstan service's management port, metrics in Prometheus' format,
 * the replicas of `capstan up`. The page and the reports know these types and no source.
 */

/** What the target says of itself at one moment. What a source cannot know is left out, never guessed. */
export interface TargetReading {
  readonly replicas: {
    readonly wanted: number
    readonly present: number
    readonly ready: number
    readonly min?: number
    readonly max?: number
  }
  /** Worker threads of all replicas together, and those that compute. */
  readonly workers?: number
  readonly busy?: number
  /** Requests that wait for a worker. */
  readonly queued?: number
  /** Cores that the offered load asks for. */
  readonly demandCores?: number
  /** Refused since the target started, all replicas together. */
  readonly shedTotal?: number
  /** CPU used, in cores, over the source's own window. */
  readonly cpuCores?: number
  /** Mean use in percent of the request over the ready replicas, what the autoscaler compares with its target. */
  readonly utilizationPercent?: number
  readonly targetPercent?: number
  readonly pods?: readonly TargetPod[]
  /** The newest decisions, oldest first, at most 50; the page keeps what it has seen by `id`. */
  readonly decisions?: readonly TargetDecision[]
}

export interface TargetPod {
  readonly name: string
  readonly phase: "starting" | "ready" | "unready" | "draining" | "failed"
  /** When it entered that phase, in milliseconds since 1970. */
  readonly sinceMs: number
  readonly restarts: number
  readonly cpuCores?: number
  readonly busy?: number
  readonly queued?: number
  /** Requests that the balancer has there. */
  readonly outstanding?: number
}

/** The autoscaler has looked, and said why it wants as many as it wants. */
export interface TargetDecision {
  readonly id: string
  readonly atMs: number
  readonly from: number
  readonly to: number
  readonly reasons: readonly string[]
}

export interface TargetLogLine {
  readonly atMs: number
  readonly pod: string
  readonly text: string
}

export interface TargetSource {
  /** Where it reads, for the page. */
  readonly where: string
  /** `undefined` when there was no answer. */
  read(): Promise<TargetReading | undefined>
  /** Log lines by replica as they come; the answer ends that. Not every source has them. */
  follow?(line: (line: TargetLogLine) => void): () => void
}

/** A reading's numbers: what is kept second by second, for hours. */
export type TargetFigures = Omit<TargetReading, "pods" | "decisions">

export function figuresOf({ pods, decisions, ...figures }: TargetReading): TargetFigures {
  return figures
}

/** Of two readings next to each other: replicas as they were last, and all else as its peak. */
export function peakOf(earlier: TargetFigures | null, later: TargetFigures): TargetFigures {
  if (earlier === null) return later
  const before = earlier as Readonly<Record<string, unknown>>
  const peaks = Object.entries(later).map(([name, value]) => {
    const other = before[name]
    return [
      name,
      typeof value === "number" && typeof other === "number" ? Math.max(other, value) : value,
    ]
  })
  return { ...earlier, ...Object.fromEntries(peaks) }
}
