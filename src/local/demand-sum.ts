/**
 * What is asked of all replicas together, for an autoscaler to go by.
 *
 * Each replica tells what it was offered in the last second, and those are summed before they are
 * smoothed. Each replica's own smoothed figure (`cores` of `/demand`) remembers its peak for 20 s, so
 * while load moves from one replica to five, the sum of those counts it twice.
 *
 * It rises at once and falls slowly: what is told is the highest mean over 3 s of the last 20. An
 * autoscaler that learns of a surge late pays for it with another round, and one that forgets it
 * early flaps. Three seconds is what chance asks for: at 100 requests a second it moves their mean
 * by 6 %, within the 10 % that the autoscaler lets pass.
 *
 * A replica that does not answer counts with what it said last, for as long as the peak is held:
 * under overload it is the busiest that are silent, and a sum without them would fall just then.
 */
const meanMs = 3_000
const holdMs = 20_000

interface Second {
  readonly atMs: number
  readonly cores: number
}

export class DemandSum {
  #seconds: readonly Second[] = []
  readonly #last = new Map<string, Second>()

  /**
   * To be called once a second.
   * @param replicas what each says; `undefined` when it was silent. One that is not in it is gone.
   */
  add(nowMs: number, replicas: ReadonlyMap<string, number | undefined>): void {
    for (const name of this.#last.keys()) if (!replicas.has(name)) this.#last.delete(name)
    let sum = 0
    for (const [name, cores] of replicas) {
      if (cores !== undefined) this.#last.set(name, { atMs: nowMs, cores })
      const known = this.#last.get(name)
      if (known !== undefined && nowMs - known.atMs <= holdMs) sum += known.cores
    }
    const sinceMs = nowMs - holdMs - meanMs
    this.#seconds = [
      ...this.#seconds.filter(({ atMs }) => atMs > sinceMs),
      { atMs: nowMs, cores: sum },
    ]
  }

  /** Cores asked for. `undefined` while no replica has said anything. */
  cores(nowMs: number): number | undefined {
    if (this.#last.size === 0) return undefined
    let highest = 0
    for (const { atMs: endMs } of this.#seconds) {
      if (endMs <= nowMs - holdMs) continue
      const window = this.#seconds.filter(({ atMs }) => atMs > endMs - meanMs && atMs <= endMs)
      highest = Math.max(highest, window.reduce((sum, it) => sum + it.cores, 0) / window.length)
    }
    return highest
  }
}
