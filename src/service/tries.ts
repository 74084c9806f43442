/**
 * Tells the repeated try of a refused call from a new one, so that demand does not grow with the
 * clients' impatience. Remembers the refused calls of the last minute, 10,000 at the most.
 */

const rememberedMs = 60_000
const rememberedMax = 10_000

export class RefusedTries {
  /** When each was refused, oldest first. */
  readonly #refusedAtMs = new Map<string, number>()

  refused(tryId: string, nowMs: number): void {
    this.#refusedAtMs.delete(tryId)
    this.#refusedAtMs.set(tryId, nowMs)
    for (const [oldest, refusedAtMs] of this.#refusedAtMs) {
      const isOld = nowMs - refusedAtMs > rememberedMs
      if (!isOld && this.#refusedAtMs.size <= rememberedMax) break
      this.#refusedAtMs.delete(oldest)
    }
  }

  /** Whether this call has been refused, and counted, before. */
  isRepeat(tryId: string, nowMs: number): boolean {
    // As long as nothing is refused, no id needs to be hashed.
    if (this.#refusedAtMs.size === 0) return false
    const refusedAtMs = this.#refusedAtMs.get(tryId)
    return refusedAtMs !== undefined && nowMs - refusedAtMs <= rememberedMs
  }
}
