/** A call in the pool's hands. */
import type { Call, Outcome } from "../outcome.ts"

/**
 * - `queued`: waits for a worker.
 * - `ahead`: was given to a worker ahead of its turn, and can still be taken back.
 * - `running`: a worker has it.
 * - `settled`: its outcome is known. A worker may still be at it, having been told to stop.
 */
type TaskState = "queued" | "ahead" | "running" | "settled"

/** What a task is thought to take. */
export interface Estimate {
  /** On a worker, in milliseconds, as the mean call does: for sums. `undefined` when nothing is known. */
  readonly ms: number | undefined
  /** As the middle call does: for a judgement about this one. */
  readonly medianMs: number | undefined
  /** As nine of ten calls do at the most: for a promise. @default nothing */
  readonly highMs?: number | undefined
  /** What the operation's own `cost` said, to be compared with what it took. */
  readonly foretoldMs: number | undefined
}

export interface Task {
  readonly call: Call
  readonly estimate: Estimate
  readonly resolve: (outcome: Outcome) => void
  state: TaskState
  startedAtMs: number
  timer: NodeJS.Timeout | undefined
  /** What its peer was thought to be given when it was served from the queue; see queue.ts. */
  countedMs: number
  /** It was given to a worker that died before it began, and went back to the queue. */
  wasPutBack: boolean
  /** The outcome that was told, once it is settled. */
  outcome: Outcome | undefined
  /** Neighbours in the queue. */
  older: Task | undefined
  newer: Task | undefined
}

/** One that nobody has yet. */
export function newTask(call: Call, estimate: Estimate, resolve: (outcome: Outcome) => void): Task {
  return {
    call,
    estimate,
    resolve,
    state: "queued",
    startedAtMs: 0,
    timer: undefined,
    countedMs: 0,
    outcome: undefined,
    wasPutBack: false,
    older: undefined,
    newer: undefined,
  }
}
