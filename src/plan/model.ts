/**
 * What a modelled cluster is like: how its pods start, stop and compute, and how it measures them.
 * Whole seconds and whole thousandths of a core, so that a replay is exact and the same everywhere.
 */

/** A sync of the autoscaler begins every so many seconds. */
export const syncSeconds = 15

export interface ClusterModel {
  /** What is asked for, one value a sync: the k-th holds from 15 k to 15 (k + 1) seconds. */
  readonly demandMilli: readonly number[]
  /** What External and Object metrics say, one value a sync. @default the demand of the sync before */
  readonly externalMilli?: readonly number[]
  readonly requestMilli: number
  /** 0: none. */
  readonly limitMilli: number
  /** What a container uses from its start until it is ready. */
  readonly startupMilli: number
  /** From a pod's creation to the start of its container. */
  readonly pendingSeconds: number
  /** From a pod's creation to its being ready. Not below `pendingSeconds`. */
  readonly startSeconds: number
  /** From a pod's removal to its disappearance. */
  readonly terminationSeconds: number
  /** Over how long use is averaged. 1 or more. */
  readonly windowSeconds: number
  /** A younger container is not measured. 0, or left out: as `windowSeconds`. */
  readonly minWindowSeconds?: number
  /** Samples are taken at offset + i × resolution. 1 or more. */
  readonly resolutionSeconds: number
  readonly offsetSeconds: number
  /** From a sample to its publication. */
  readonly lagSeconds: number
  /** No metric can be read at the syncs from the first up to, not including, the second. */
  readonly outages?: readonly (readonly [first: number, end: number])[]
}

/** A model that can't be. Says which field, what it is, what it may be. */
export class ModelError extends Error {
  override readonly name = "ModelError"
}

/** @throws {ModelError} for the first field that is wrong. */
export function validateModel(model: ClusterModel): void {
  const { demandMilli, externalMilli, pendingSeconds, windowSeconds } = model
  atLeast("windowSeconds", windowSeconds, 1)
  atLeast("resolutionSeconds", model.resolutionSeconds, 1)
  atLeast("pendingSeconds", pendingSeconds, 0)
  atLeast("startSeconds", model.startSeconds, pendingSeconds)
  atLeast("terminationSeconds", model.terminationSeconds, 0)
  atLeast("offsetSeconds", model.offsetSeconds, 0)
  atLeast("lagSeconds", model.lagSeconds, 0)
  atLeast("minWindowSeconds", model.minWindowSeconds ?? 0, 0)
  atLeast("windowSeconds", windowSeconds, model.minWindowSeconds ?? 0)
  if (demandMilli.length === 0) {
    throw new ModelError("demandMilli is empty; it needs one value for each sync.")
  }
  if (externalMilli !== undefined && externalMilli.length !== demandMilli.length) {
    throw new ModelError(
      `externalMilli has ${externalMilli.length} values; it needs as many as demandMilli, ` +
        `${demandMilli.length}.`,
    )
  }
}

function atLeast(name: string, value: number, min: number): void {
  if (Number.isInteger(value) && value >= min) return
  throw new ModelError(`${name} is ${value}; it must be a whole number, ${min} or more.`)
}
