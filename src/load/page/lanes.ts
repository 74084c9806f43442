/** The lives of pods: which phase each was in, and when, for as long as anybody looks. */
import type { TargetPod } from "../target.ts"

export interface Lane {
  readonly name: string
  readonly phases: readonly Phase[]
  /** When it was no longer there; null while it is. */
  readonly goneMs: number | null
}

interface Phase {
  readonly phase: TargetPod["phase"]
  readonly sinceMs: number
  readonly restarts: number
}

/** Pods that are remembered; of those that are gone, the oldest are forgotten first. */
export const lanesMax = 100
/** Of one pod. One that comes and goes for hours loses its beginning. */
const phasesMax = 60

export class Lanes {
  readonly #lanes = new Map<string, Lane>()

  get all(): readonly Lane[] {
    return [...this.#lanes.values()]
  }

  /** Takes the pods that are there now; answers with the lanes that this has changed. */
  take(pods: readonly TargetPod[], nowMs: number): readonly Lane[] {
    const changed: Lane[] = []
    const there = new Set(pods.map(({ name }) => name))
    for (const lane of this.#lanes.values()) {
      if (lane.goneMs === null && !there.has(lane.name)) changed.push({ ...lane, goneMs: nowMs })
    }
    for (const pod of pods) {
      const lane = grown(this.#lanes.get(pod.name), pod, nowMs)
      if (lane !== undefined) changed.push(lane)
    }
    for (const lane of changed) this.#lanes.set(lane.name, lane)
    this.#forget()
    return changed.filter(({ name }) => this.#lanes.has(name))
  }

  #forget(): void {
    for (const { name, goneMs } of [...this.#lanes.values()]) {
      if (this.#lanes.size <= lanesMax) return
      if (goneMs !== null) this.#lanes.delete(name)
    }
    // More than so many at once: the newest are not drawn, and the table has them all the same.
    for (const name of [...this.#lanes.keys()].slice(lanesMax)) this.#lanes.delete(name)
  }
}

/** With the pod's present phase; `undefined` when that is nothing new. */
function grown(lane: Lane | undefined, pod: TargetPod, nowMs: number): Lane | undefined {
  const { name, phase, restarts } = pod
  const last = lane?.phases.at(-1)
  const isThere = lane !== undefined && lane.goneMs === null
  if (isThere && last?.phase === phase && last.restarts === restarts) return undefined
  // A source may tell late; a phase can't have begun before the one that it follows.
  const sinceMs = Math.min(nowMs, Math.max(pod.sinceMs, lane?.goneMs ?? last?.sinceMs ?? 0))
  const phases = [...(lane?.phases ?? []), { phase, restarts, sinceMs }].slice(-phasesMax)
  return { name, phases, goneMs: null }
}
