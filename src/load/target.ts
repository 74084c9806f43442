/**
 * What the target says of itself, on the same time axis as the load. A source reads it once a
 * second; this one asks the management port of a Capstan service.
 */

export interface TargetReading {
  readonly replicas: number
  readonly workers: number
  readonly busy: number
  readonly queued: number
  /** Cores that the offered load asks for. */
  readonly demandCores: number
}

export interface TargetSource {
  /** Where it reads, for the page. */
  readonly where: string
  /** `undefined` when there was no answer. */
  read(): Promise<TargetReading | undefined>
}

const patienceMs = 900

/** Reads `/demand` of one replica's management port. */
export function capstanTarget(managementUrl: string): TargetSource {
  const url = new URL("/demand", managementUrl)
  return {
    where: url.href,
    async read() {
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(patienceMs) })
        return response.ok ? reading(await response.json()) : undefined
      } catch {
        // It may be restarting, or gone; the page shows the gap.
        return undefined
      }
    },
  }
}

/** The source at the usual port beside the target, when something like it answers there. */
export async function findTarget(target: URL): Promise<TargetSource | undefined> {
  const source = capstanTarget(`${target.protocol}//${target.hostname}:9090`)
  return (await source.read()) === undefined ? undefined : source
}

function reading(answer: unknown): TargetReading | undefined {
  const { cores, workers, busy, queued } = (answer ?? {}) as Readonly<Record<string, unknown>>
  if (
    typeof cores !== "number" ||
    typeof workers !== "number" ||
    typeof busy !== "number" ||
    typeof queued !== "number"
  ) {
    return undefined
  }
  return { replicas: 1, workers, busy, queued, demandCores: cores }
}
