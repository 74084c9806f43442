/** A pool and what admission keeps about it. */
import type { FadingMean } from "../core/fading-mean.ts"
import type { AdmissionState } from "./admission.ts"
import type { Modesty } from "./modesty.ts"
import type { Overload } from "./overload.ts"
import type { Pool } from "./pool/pool.ts"

/**
 * By how much more than the patience of an overload may wait where peers have turns: of a modest peer's
 * own, since its calls come by chance; and of all together, for others whose turn is soon. Were there no
 * bound to that, those whose turn is late would never have it: somebody's is always sooner.
 */
const lenience = 4

export interface Lane {
  readonly name: string
  readonly pool: Pool
  readonly overload: Overload
  readonly modesty: Modesty
  /** How long calls hold a worker, over all its operations. */
  readonly ranMs: FadingMean
}

export function isDown({ pool }: Lane): boolean {
  return pool.state === "down"
}

/** What there is to know of a lane for a call of the peer, which is thought to take `ms`. */
export function laneState(
  { pool, overload, modesty }: Lane,
  { name, peer }: { readonly name: string; readonly peer: string },
  ms: number,
  queueMax: number,
  nowMs: number,
): Omit<AdmissionState, "bytesHeld" | "queueBytesMax"> {
  const setupWaitMs = pool.setupWaitMs(name, nowMs)
  const { queued } = pool
  return {
    workersDown: pool.state === "down",
    setupFails: setupWaitMs !== undefined,
    hasRoom: pool.hasRoom,
    queued,
    queueMax,
    hasBehind: queued >= queueMax && pool.waiting.hasBehind(peer),
    predictedWaitMs: setupWaitMs ?? pool.predictedWaitMs(nowMs, peer),
    waitMsMax: waitMsMax(overload.waitMsMax(), {
      allMs: () => pool.predictedWaitMs(nowMs),
      ownMs: () => pool.waiting.ownWaitMs(peer),
      isModest: () => modesty.isModest(peer, ms, nowMs),
    }),
  }
}

/** What may be asked for of a peer, and of all that waits. */
export interface Waits {
  /** How long all that waits takes. */
  allMs(): number
  /** How long what waits of the peer's own takes. */
  ownMs(): number
  isModest(): boolean
}

/** How long a call of the peer may wait at the most, beyond what its deadline says; see modesty.ts. */
export function waitMsMax(patienceMs: number, { allMs, ownMs, isModest }: Waits): number {
  if (patienceMs === Number.POSITIVE_INFINITY) return patienceMs
  if (ownMs() <= lenience * patienceMs && isModest()) return Number.POSITIVE_INFINITY
  return allMs() <= lenience * patienceMs ? patienceMs : 0
}
