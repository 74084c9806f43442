/** What a run and its threads say to each other. */
import type { Batch, Beat } from "../books/beat.ts"
import type { Plan } from "../config.ts"
import type { Phase } from "../pace/schedule.ts"
import type { ScenarioOrigin } from "../scenario/scenario.ts"

/** A plan as it can cross: what a thread needs of it, the target as text. */
type ThreadPlan = Omit<Plan, "target" | "thresholds"> & { readonly target: string }

/** What a thread is started with. */
export interface ThreadData {
  readonly plan: ThreadPlan
  readonly origin: ScenarioOrigin
  readonly graceMs: number
  /**
   * The run's `performance.now()` was 0 at this time of the process's own clock. A thread's is 0 when
   * the thread is made.
   */
  readonly hrtimeMs: number
}

export type ToThread =
  | { readonly kind: "begin"; readonly phase: Phase; readonly endsAtMs: number }
  | { readonly kind: "enter"; readonly phase: Phase }
  | { readonly kind: "beat" }
  | { readonly kind: "stop" }

export type FromThread =
  | { readonly kind: "ready" }
  /** It has no scenario to run. */
  | { readonly kind: "failed"; readonly error: Error }
  | { readonly kind: "batch"; readonly batch: Batch }
  | { readonly kind: "beat"; readonly beat: Beat }
  /** The last beat. */
  | { readonly kind: "over"; readonly beat: Beat }
