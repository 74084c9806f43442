/** Waiting for a new version: how far it is, whether it is there, and when waiting is in vain. */
import { setTimeout as sleep } from "node:timers/promises"
import { UnreachableError } from "../access/unreachable.ts"
import type { Deployment } from "../kinds.ts"
import { type Api, ApiError } from "./api.ts"
import { type Observed, observe } from "./observe.ts"
import { collection } from "./resources.ts"
import { type Trouble, troubleOf, withLog } from "./trouble.ts"

export interface Progress {
  readonly wanted: number
  /** Of the new version, made. */
  readonly updated: number
  /** Of the new version, ready. */
  readonly ready: number
  readonly done: boolean
}

/** As `kubectl rollout status` sees it. */
export function progressOf({ spec, status = {}, metadata }: Deployment): Progress {
  const wanted = spec?.replicas ?? 1
  const seen = (status.observedGeneration ?? 0) >= (metadata?.generation ?? 0)
  // Until the controller has seen the new version, its figures are about the one before.
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = seen ? status : {}
  const old = replicas - updatedReplicas
  const ready = Math.max(0, Math.min(updatedReplicas, availableReplicas - old))
  const done = seen && updatedReplicas >= wanted && old === 0 && availableReplicas >= wanted
  return { wanted, updated: updatedReplicas, ready, done }
}

export type RolloutEnd =
  | { readonly kind: "done"; readonly progress: Progress }
  | {
      readonly kind: "failed" | "timeout"
      readonly trouble: Trouble | undefined
      readonly logLines: readonly string[]
      /** Replicas of the version before that still serve. */
      readonly olderReady: number
    }

export interface WaitOptions {
  readonly namespace: string
  readonly name: string
  readonly timeoutMs: number
  /** Ends the wait, and nothing else: the cluster goes on. */
  readonly signal: AbortSignal
  readonly progressed: (progress: Progress) => void
  /** Something is the matter that may yet come right. */
  readonly troubled: (trouble: Trouble) => void
  /** The API does not answer, and is asked again. */
  readonly unanswered: (error: Error) => void
}

const lookEachMs = 500
/** A start has its moments (no room yet, not listening yet) of which nobody need hear. */
const ordinaryMs = 5_000
/** For so long an API server may be away: it restarts, and the rollout goes on without it. */
const outageMsMax = 30_000

export async function waitForRollout(api: Api, options: WaitOptions): Promise<RolloutEnd> {
  const { namespace, name, timeoutMs, signal } = options
  const endMs = performance.now() + timeoutMs
  let told = ""
  let standing: { readonly of: string; readonly sinceMs: number; told: boolean } | undefined
  const look = patiently(() => observe(api, namespace, name), options)
  for (;;) {
    const seen = await look()
    const progress = progressOf(seen.deployment)
    if (progress.done) return { kind: "done", progress }
    if (told !== JSON.stringify(progress)) {
      told = JSON.stringify(progress)
      options.progressed(progress)
    }
    const nowMs = performance.now()
    const trouble = troubleOf(seen)
    if (trouble === undefined) {
      standing = undefined
    } else {
      // The same reason comes in other words from one attempt to the next; what to do stays.
      if (standing?.of !== trouble.next) {
        standing = { of: trouble.next, sinceMs: nowMs, told: false }
      }
      const standsMs = nowMs - standing.sinceMs
      if (standsMs >= trouble.patienceMs) {
        return await failed(api, namespace, "failed", seen, trouble)
      }
      if (standsMs >= ordinaryMs && !standing.told) {
        standing.told = true
        options.troubled(trouble)
      }
    }
    if (nowMs > endMs) return await failed(api, namespace, "timeout", seen, trouble)
    await sleep(lookEachMs, undefined, { signal })
  }
}

/** Asks until there is an answer; an outage is told once, and ends it when it lasts. */
function patiently<T>(
  ask: () => Promise<T>,
  { unanswered, signal }: Pick<WaitOptions, "unanswered" | "signal">,
): () => Promise<T> {
  return async () => {
    let sinceMs: number | undefined
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        const isOutage =
          error instanceof UnreachableError || (error instanceof ApiError && error.status >= 500)
        if (!isOutage) throw error
        if (sinceMs === undefined) unanswered(error)
        sinceMs ??= performance.now()
        if (performance.now() - sinceMs > outageMsMax) throw error
        await sleep(lookEachMs, undefined, { signal })
      }
    }
  }
}

const logLinesMax = 15

async function failed(
  api: Api,
  namespace: string,
  kind: "failed" | "timeout",
  { olderReady }: Observed,
  trouble: Trouble | undefined,
): Promise<RolloutEnd> {
  const log = trouble?.log
  let logLines: readonly string[] = []
  if (log !== undefined) {
    const text = await api
      .text(`${collection("v1", "pods", namespace)}/${log.pod}/log`, {
        query: {
          container: log.container ?? "service",
          previous: `${log.previous}`,
          tailLines: `${logLinesMax}`,
        },
      })
      .catch((error: Error) => `(its log can't be read: ${error.message})`)
    logLines = text
      .trimEnd()
      .split("\n")
      .filter((line) => line !== "")
  }
  return { kind, trouble: trouble && withLog(trouble, logLines), logLines, olderReady }
}
