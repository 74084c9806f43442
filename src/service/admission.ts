/**
 * The decision to accept or shed, pure.
 *
 * The number of workers is known, so no limit has to be discovered: a call can be done in time when
 * what runs and what waits, shared among the workers, plus the call's own cost, fits its deadline.
 * It is asked twice, with what is known each time: before the body is read (the wait alone), and
 * after validation (the call's own cost too). As long as nothing is known of an operation's cost,
 * only the bounds on count and bytes hold.
 *
 * To shed says "try again later". A call that by its operation's own word takes longer than its whole
 * deadline is not shed but refused for good (compute.ts), and is no demand: no number of workers
 * would do it. That goes by what `cost` says alone. What it is corrected by was learnt from other
 * calls, and a correction that refuses would keep away the calls that could teach a better one.
 */
import type { Shed, ShedReason } from "./outcome.ts"

export interface AdmissionState {
  readonly workersDown: boolean
  /** Of this operation, so that no worker could do it. */
  readonly setupFails: boolean
  /** A worker is free and nobody waits. */
  readonly hasRoom: boolean
  readonly queued: number
  readonly queueMax: number
  /** Somebody waits behind whom the candidate's turn would be, and makes room; see pool/queue.ts. */
  readonly hasBehind: boolean
  readonly bytesHeld: number
  readonly queueBytesMax: number
  /** By the estimates, until a worker would be free for the candidate, when it is its peer's turn. */
  readonly predictedWaitMs: number
  /** See overload.ts; infinite as long as there is none. */
  readonly waitMsMax: number
}

export interface Candidate {
  /** Body bytes that come on top of those held already. */
  readonly bytes: number
  /** Time left until its deadline. */
  readonly remainingMs: number
  /** What it will take on a worker; `undefined` when nothing is known, or not yet. */
  readonly ownMs: number | undefined
  /** Where `ownMs` is from: the operation's own `cost` for this input, or earlier calls. */
  readonly ownIs: "foretold" | "learnt"
  /** What the operation's `cost` says, before it is corrected by earlier calls. @default ownMs */
  readonly declaredMs?: number | undefined
}

/** Why to shed the candidate, or `undefined` to admit it. */
export function admit(state: AdmissionState, candidate: Candidate): ShedReason | undefined {
  if (state.workersDown) return "no-workers"
  if (state.setupFails) return "setup-failed"
  if (state.bytesHeld + candidate.bytes > state.queueBytesMax) return "bytes-full"
  if (state.hasRoom) {
    // A free worker has nothing better to do. And if what was learnt could refuse even now, a few
    // slow calls would shut an operation for good: nothing would run that could teach otherwise.
    // Nor may a correction of what the operation foretells, so it counts only where it is less.
    const { ownIs, ownMs = 0, declaredMs = ownMs, remainingMs } = candidate
    const hopeless = ownIs === "foretold" && Math.min(ownMs, declaredMs) > remainingMs
    return hopeless ? "deadline" : undefined
  }
  if (state.queued >= state.queueMax && !state.hasBehind) return "queue-full"
  if (state.predictedWaitMs > state.waitMsMax) return "deadline"
  if (state.predictedWaitMs + (candidate.ownMs ?? 0) > candidate.remainingMs) return "deadline"
  return undefined
}

/**
 * When to come back: when the queue of now will have drained, and some time after that, so that those
 * refused together do not return together. `Retry-After` has whole seconds, so these are drawn: one of
 * three, or of half as many again as the queue takes.
 */
export function retryAfterMs(predictedWaitMs: number, random: () => number = Math.random): number {
  const drainS = Math.min(60, Math.max(1, Math.ceil(predictedWaitMs / 1000)))
  const choices = Math.max(3, Math.floor(drainS / 2) + 1)
  return 1000 * (drainS + Math.floor(choices * random()))
}

export function shed(reason: ShedReason, predictedWaitMs: number): Shed {
  return { kind: "shed", reason, retryAfterMs: retryAfterMs(predictedWaitMs) }
}
