/** What happens to the replicas, for whoever tells people. */
import type { Serving, StartFailure } from "./messages.ts"

export type LocalEvent =
  /** It serves from now on. `restarts`: how often its process was started anew before. */
  | {
      readonly kind: "ready"
      readonly replica: string
      readonly tookMs: number
      readonly restarts: number
      readonly serving: Serving
    }
  /** It could not start. `isNews`: it is not what the last one failed by. */
  | {
      readonly kind: "failed"
      readonly replica: string
      readonly failure: StartFailure
      readonly againInMs: number | undefined
      readonly isNews: boolean
    }
  | {
      readonly kind: "died"
      readonly replica: string
      readonly how: string
      readonly againInMs: number | undefined
    }
  /** It is still starting, and may take `startMsMax`. */
  | {
      readonly kind: "slow"
      readonly replica: string
      readonly afterMs: number
      readonly startMsMax: number
    }
  /** It does not answer any more, and is killed. */
  | { readonly kind: "hung"; readonly replica: string }
  /** By its readiness probe. */
  | { readonly kind: "readiness"; readonly replica: string; readonly isReady: boolean }
  | { readonly kind: "draining"; readonly replica: string }
  /** Its requests were not done in time, and are cut off. */
  | { readonly kind: "cut-off"; readonly replica: string; readonly afterMs: number }
  /** A new version is being started, beside the one that serves. */
  | { readonly kind: "rollout"; readonly version: number; readonly replicas: number }
  /** Before all of its version is ready, as there are too few of the one that serves. */
  | { readonly kind: "stands-in"; readonly replica: string; readonly version: number }
  | { readonly kind: "rolled-out"; readonly version: number; readonly tookMs: number }
  /** `stillServing`: replicas of the version before, which go on. */
  | {
      readonly kind: "rollout-failed"
      readonly version: number
      readonly replica: string
      readonly failure: StartFailure
      readonly stillServing: number
      readonly againInMs: number | undefined
      readonly isNews: boolean
    }
  | { readonly kind: "imports"; readonly path: string }
  | { readonly kind: "line"; readonly replica: string; readonly text: string }
