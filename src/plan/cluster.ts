/**
 * The pods of a modelled cluster, and what they compute, second by second.
 *
 * All that is offered is spread evenly over the ready pods, so in any second each of them uses the
 * same. That is why one running total serves them all: what a pod used while it was ready is the
 * total at the end of that time less the total at its beginning.
 *
 * The clock stands at the start of a sync. What the sync scales happens at once; then time passes.
 */
import { type ClusterModel, syncSeconds } from "./model.ts"

export interface ModelledPod {
  readonly name: string
  readonly createdAt: number
  /** When its container starts. */
  readonly runsAt: number
  readonly readyAt: number
}

export interface RemovedPod {
  readonly pod: ModelledPod
  readonly removedAt: number
}

/** How long the first pods have been ready when the replay begins. */
const initialAgeSeconds = 900

export class Cluster {
  readonly #model: ClusterModel
  /** The first second there is. */
  readonly #origin: number
  #now: number
  #made = 0
  /** In order of creation, so that those that are ready come first. */
  readonly #pods: ModelledPod[] = []
  #leaving: RemovedPod[] = []
  #readyCount = 0
  /** Of one ready pod, by the second at whose start they are read: what it used, what it was asked. */
  readonly #used: Float64Array
  readonly #asked: Float64Array

  constructor(model: ClusterModel, replicas: number) {
    this.#model = model
    this.#origin = -initialAgeSeconds - model.startSeconds
    this.#now = this.#origin
    const lastSync = (model.demandMilli.length - 1) * syncSeconds
    this.#used = new Float64Array(lastSync - this.#origin + 1)
    this.#asked = new Float64Array(lastSync - this.#origin + 1)
    this.scaleTo(replicas)
    this.advanceTo(0)
  }

  get now(): number {
    return this.#now
  }

  get pods(): readonly ModelledPod[] {
    return this.#pods
  }

  get readyCount(): number {
    return this.#readyCount
  }

  /** Removed, but still to be seen. */
  get leaving(): readonly RemovedPod[] {
    return this.#leaving
  }

  /** Creates pods, or removes the youngest, which are also those that are not ready yet. */
  scaleTo(replicas: number): void {
    const { pendingSeconds, startSeconds } = this.#model
    while (this.#pods.length < replicas) {
      const createdAt = this.#now
      this.#pods.push({
        name: `pod-${this.#made++}`,
        createdAt,
        runsAt: createdAt + pendingSeconds,
        readyAt: createdAt + startSeconds,
      })
    }
    for (const pod of this.#pods.splice(replicas)) {
      this.#leaving.push({ pod, removedAt: this.#now })
    }
    this.#countReady()
  }

  advanceTo(second: number): void {
    const { limitMilli, terminationSeconds } = this.#model
    while (this.#now < second) {
      const until = Math.min(second, this.#nextChange())
      const asked = this.#readyCount === 0 ? 0 : Math.floor(this.#demand() / this.#readyCount)
      const used = limitMilli === 0 ? asked : Math.min(asked, limitMilli)
      goOn(this.#used, used, this.#now - this.#origin, until - this.#origin)
      goOn(this.#asked, asked, this.#now - this.#origin, until - this.#origin)
      this.#now = until
      this.#countReady()
    }
    this.#leaving = this.#leaving.filter(({ removedAt }) => second < removedAt + terminationSeconds)
  }

  /** What the pod used from one second to another, both between its container's start and now. */
  usedBetween(pod: ModelledPod, from: number, to: number): number {
    const startingSeconds = Math.min(to, pod.readyAt) - Math.min(from, pod.readyAt)
    return startingSeconds * this.#model.startupMilli + this.#between(this.#used, pod, from, to)
  }

  /** What the pod was asked for. */
  askedBetween(pod: ModelledPod, from: number, to: number): number {
    return this.#between(this.#asked, pod, from, to)
  }

  #between(totals: Float64Array, { readyAt }: ModelledPod, from: number, to: number): number {
    if (to <= readyAt) return 0
    return totals[to - this.#origin]! - totals[Math.max(from, readyAt) - this.#origin]!
  }

  /** What is offered now. Before the first sync it is as during it. */
  #demand(): number {
    return this.#model.demandMilli[Math.floor(Math.max(0, this.#now) / syncSeconds)]!
  }

  /** Until then every second is like this one. */
  #nextChange(): number {
    const nextSync = (Math.floor(this.#now / syncSeconds) + 1) * syncSeconds
    return Math.min(nextSync, this.#pods[this.#readyCount]?.readyAt ?? nextSync)
  }

  #countReady(): void {
    let count = Math.min(this.#readyCount, this.#pods.length)
    while (count < this.#pods.length && this.#pods[count]!.readyAt <= this.#now) count += 1
    this.#readyCount = count
  }
}

/** Adds up the same amount for every second from one to another. */
function goOn(totals: Float64Array, amount: number, from: number, to: number): void {
  let total = totals[from]!
  for (let second = from + 1; second <= to; second++) {
    total += amount
    totals[second] = total
  }
}
