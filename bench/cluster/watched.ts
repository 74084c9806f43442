/**
 * A deployment as it is while it is measured, looked at once a second by the code of `capstan
 * watch`: replicas, CPU, pods, and our own decision beside the autoscaler's at each sync.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { ClusterWatch } from "../../src/cli/watch/cluster-watch.ts"
import type { WatchState } from "../../src/cli/watch/state.ts"
import type { Sync } from "../../src/cli/watch/sync.ts"
import type { Api } from "../../src/kubernetes/cluster/api.ts"
import type { Subject } from "../../src/kubernetes/watch/look.ts"
import { type Place, service } from "./place.ts"

const lookEveryMs = 1000
/** On a busy machine the API may be away for a moment, but not for good. */
const awayMax = 30
const readyMsMax = 120_000

export class Watched implements AsyncDisposable {
  /** All of them so far. */
  readonly syncs: readonly Sync[]
  readonly #watch: ClusterWatch
  readonly #stopping = new AbortController()
  readonly #looking: Promise<void>
  #failure: unknown

  private constructor(watch: ClusterWatch, syncs: readonly Sync[]) {
    this.#watch = watch
    this.syncs = syncs
    this.#looking = this.#look()
  }

  /** @throws {Failure} when the cluster does not answer. */
  static async begin(api: Api, subject: Subject): Promise<Watched> {
    const syncs: Sync[] = []
    const watch = new ClusterWatch(api, subject, (event) => {
      if (event.kind === "sync") syncs.push(event.sync)
    })
    await watch.look()
    return new Watched(watch, syncs)
  }

  /** As of the last look. @throws when the cluster has not answered for long. */
  get state(): WatchState {
    const { state } = this.#watch
    if (this.#failure !== undefined) throw this.#failure
    if (state === undefined) throw new Error("A look that was answered shows a state.")
    return state
  }

  /**
   * Resolves when it holds.
   * @throws {Error} when it does not within `msMax`.
   */
  async until(what: string, msMax: number, holds: (state: WatchState) => boolean): Promise<void> {
    const endMs = performance.now() + msMax
    while (!holds(this.state)) {
      if (performance.now() > endMs) {
        const { replicas, cpu, autoscaler } = this.state
        const shown = JSON.stringify({ replicas, cpu, autoscaler })
        throw new Error(`Waited ${msMax / 1000} s in vain for ${what}: ${shown}`)
      }
      await sleep(200)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#looking
  }

  async #look(): Promise<void> {
    const { signal } = this.#stopping
    for (let away = 0; !signal.aborted; ) {
      const nextMs = performance.now() + lookEveryMs
      try {
        await this.#watch.look()
        away = 0
      } catch (error) {
        away += 1
        if (away === awayMax) {
          this.#failure = error
          return
        }
      }
      const restMs = Math.max(0, nextMs - performance.now())
      await sleep(restMs, undefined, { signal }).catch(() => {})
    }
  }
}

/** Waits until so many replicas are ready: the autoscaler makes the second one at its next look. */
export async function allReady({ api, namespace }: Place, replicas: number): Promise<void> {
  await using watched = await Watched.begin(api, { namespace, name: service.name })
  await watched.until(`${replicas} replicas`, readyMsMax, (state) => isFull(state, replicas))
}

/** So many are ready, and no other is there. */
export function isFull({ replicas }: WatchState, wanted: number): boolean {
  return replicas.ready === wanted && replicas.present === wanted
}

/**
 * Of the CPU of the replicas that are ready, the busiest one's ÷ the mean; undefined while fewer than
 * two are measured.
 */
export function busiestByCpu({ pods }: WatchState): number | undefined {
  const used = pods.flatMap(({ phase, cpuCores }) =>
    phase === "ready" && cpuCores !== undefined ? [cpuCores] : [],
  )
  return used.length < 2 ? undefined : busiest(used)
}

/** The largest ÷ the mean. */
export function busiest(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0)
  return Math.max(...values) / (sum / values.length)
}
