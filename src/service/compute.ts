/**
 * The computing side of a service: its pools, and who may enter them.
 *
 * Operations share one pool, but for those that have workers of their own. Each pool has its own
 * queue and its own sense of overload; the bounds on bytes and the demand are the service's as a
 * whole.
 */
import type { Logger } from "pino"
import { type Clock, monotonicClock } from "../core/clock.ts"
import { FadingMean } from "../core/fading-mean.ts"
import { type AdmissionState, admit, shed } from "./admission.ts"
import { assertMemoryFits, queueBytesMaxOf } from "./bounds.ts"
import { collectionHelpers } from "./collection-helpers.ts"
import { foretell, isRefusedUnrun, isTelling, OperationCost } from "./cost.ts"
import { memoryLimitBytes } from "./cpu.ts"
import { Demand } from "./demand.ts"
import { isDown, type Lane, laneState } from "./lane.ts"
import { type LanePlan, planLanes } from "./lanes.ts"
import { Modesty } from "./modesty.ts"
import type { Operation } from "./operation.ts"
import {
  type Arrival,
  type Call,
  type Compute,
  type Fault,
  type Outcome,
  type Shed,
  type ShedReason,
  type Ticket,
  timeAllowedMs,
} from "./outcome.ts"
import { Overload } from "./overload.ts"
import type { MemoryUse } from "./pool/carrier.ts"
import type { TaskUse, WorkerCounts } from "./pool/contract.ts"
import { Pool } from "./pool/pool.ts"
import type { Estimate } from "./pool/task.ts"
import { heldByState } from "./pool/workers.ts"
import type { Service } from "./service.ts"
import type { ResolvedSettings } from "./settings.ts"
import { RefusedTries } from "./tries.ts"
import { workerLog } from "./worker-log.ts"

export interface ComputeOptions {
  readonly service: Service
  readonly moduleUrl: URL
  readonly settings: ResolvedSettings
  readonly log: Logger
  readonly clock?: Clock
}

/** Told what the work took; metrics listen here. */
export interface ComputeObserver {
  used(use: TaskUse): void
  /** A task took so much more CPU than was told of it. */
  corrected(call: Call, outcome: Outcome, cpuMs: number): void
  /** CPU time that was asked for by a call that never ran, by estimate. */
  unserved(operation: string, outcome: Outcome["kind"], cpuMs: number): void
  workerDied(): void
}

const nothing: MemoryUse = { heapBytes: 0, externalBytes: 0 }

const workerStates = ["booting", "idle", "busy", "retired", "stuck"] as const

/** Workers that have all been stuck for so long will not come back. */
const stuckMsMax = 60_000

/** A call that asks to be admitted. */
type Asking = Pick<Arrival, "name" | "peer" | "tryId">

interface Entry {
  readonly operation: Operation
  readonly lane: Lane
  readonly cost: OperationCost
}

/** What `/demand` tells. */
export interface DemandReport {
  /** Cores that the offered work asks for; see demand.ts. */
  readonly cores: number
  readonly coresLastSecond: number
  /** Cores that the workers can use at once. */
  readonly workers: number
  readonly busy: number
  readonly queued: number
  readonly predictedWaitMs: number
}

export class ComputePools implements Compute {
  readonly #options: ComputeOptions
  readonly #clock: Clock
  readonly #entries = new Map<string, Entry>()
  readonly #lanes: readonly Lane[]
  readonly #demand: Demand
  readonly #refusedTries = new RefusedTries()
  readonly #queueBytesMax: number
  #bytesHeld = 0
  /** Set before the first call is accepted. */
  observer: ComputeObserver | undefined

  /** @throws {SettingError} see bounds.ts. */
  constructor(options: ComputeOptions) {
    this.#options = options
    assertMemoryFits({ ...options, memoryBytes: memoryLimitBytes() })
    this.#queueBytesMax = queueBytesMaxOf(options.service, options.settings)
    this.#clock = options.clock ?? monotonicClock
    this.#lanes = this.#makeLanes()
    const prices = new Map(
      Array.from(this.#entries, ([name, { cost, lane }]) => [
        name,
        // While nothing is known of a call's cost, it is at least what the first one has used so far.
        { meanCpuMs: () => cost.meanCpuMs() ?? lane.pool.mostCpuMs(name) },
      ]),
    )
    this.#demand = new Demand(prices, this.#clock())
  }

  readonly bytesHeld = {
    add: (bytes: number): void => {
      this.#bytesHeld += bytes
    },
    remove: (bytes: number): void => {
      this.#bytesHeld -= bytes
    },
  }

  /** Body bytes held right now. */
  get bytesHeldNow(): number {
    return this.#bytesHeld
  }

  arrive(arrival: Arrival): Shed | undefined {
    const { bytes, deadlineAtMs, bytesToSpare } = arrival
    const entry = this.#entry(arrival.name)
    const nowMs = this.#clock()
    const state = this.#admissionState(entry, arrival, nowMs)
    const decide = (bytes: number) =>
      admit(state, {
        bytes,
        remainingMs: deadlineAtMs - nowMs,
        ownMs: undefined,
        ownIs: "learnt",
      })
    let reason = decide(bytes)
    // Nobody has been refused yet who may come at the expense of others.
    if (reason === "bytes-full" && bytesToSpare) reason = decide(bytes - bytesToSpare())
    if (reason === undefined) return undefined
    return this.#refuse(arrival, entry, reason, state.predictedWaitMs, nowMs, undefined)
  }

  run(call: Call): Ticket {
    const entry = this.#entry(call.name)
    const { lane, cost, operation } = entry
    const nowMs = this.#clock()
    const allowedMs = timeAllowedMs(call)
    // What is read on the worker only is asked for its cost there.
    const foretoldMs = call.input && foretell(call.name, operation, call.input, allowedMs)
    if (typeof foretoldMs === "object") return known(foretoldMs)
    const correctedMs = foretoldMs === undefined ? undefined : cost.cpuMsOf(foretoldMs)
    // Past its deadline nothing is asked of the one core that computes it.
    const cpuMs = correctedMs === undefined ? undefined : Math.min(correctedMs, allowedMs)
    const state = this.#admissionState(entry, call, nowMs)
    const reason = admit(state, {
      bytes: 0,
      remainingMs: call.deadlineAtMs - nowMs,
      ownMs: correctedMs ?? cost.highMs(),
      ownIs: correctedMs === undefined ? "learnt" : "foretold",
      declaredMs: foretoldMs,
    })
    if (reason !== undefined) {
      const waitMs = state.predictedWaitMs
      return known(this.#refuse(call, entry, reason, waitMs, nowMs, cpuMs))
    }
    if (!this.#refusedTries.isRepeat(call.tryId, nowMs)) this.#demand.offer(call.name, nowMs, cpuMs)
    const estimate: Estimate = {
      ms: cpuMs ?? cost.meanMs(),
      medianMs: cpuMs ?? cost.medianMs(),
      highMs: cpuMs ?? cost.highMs(),
      foretoldMs,
    }
    lane.modesty.asks(call.peer, estimate.ms ?? 0, nowMs)
    return lane.pool.submit(call, estimate, this.#options.settings.queueMax)
  }

  /** Boots all workers. Resolves when every pool has one, or has failed to start one. */
  async started(): Promise<void> {
    for (const { pool } of this.#lanes) pool.fill()
    await Promise.all(this.#lanes.map(({ pool }) => pool.started()))
  }

  /**
   * Why no work can be done, or `undefined` when some can: an operation that fails to set up, and one
   * whose own workers can't start, keep nobody from the others. See {@link refused}.
   */
  get unready(): string | undefined {
    for (const { name, pool } of this.#lanes) {
      if (pool.state === "starting") return `The workers of ${name} are starting.`
      if (pool.allStuckSinceMs !== undefined) {
        return `All workers of ${name} are in native code that does not return.`
      }
    }
    return this.#lanes.every(isDown) ? this.#downLanes[0] : undefined
  }

  /** Which operations are refused though others are not, and why. Most often nothing. */
  get refused(): readonly string[] {
    const failed = this.#lanes.flatMap(({ pool }) => (pool.state === "up" ? pool.failedSetups : []))
    return [...this.#downLanes, ...failed.map(({ fault }) => fault.message)]
  }

  /** What a worker died of last, of those that can't start. */
  get bootFault(): Fault | undefined {
    return this.#lanes.find(isDown)?.pool.bootFault
  }

  get #downLanes(): readonly string[] {
    return this.#lanes
      .filter(isDown)
      .map(({ name, pool }) => `No worker of ${name} can start: ${pool.bootFault?.message}`)
  }

  /** Why it is beyond help, or `undefined` when it is not: only the process's end frees stuck workers. */
  get dead(): string | undefined {
    const sinceMs = this.#clock() - stuckMsMax
    const lane = this.#lanes.find(({ pool }) => (pool.allStuckSinceMs ?? sinceMs) < sinceMs)
    if (lane === undefined) return undefined
    return `All workers of ${lane.name} have been in native code that does not return for ${stuckMsMax / 1000} s.`
  }

  counts(): WorkerCounts {
    const sum = { booting: 0, idle: 0, busy: 0, retired: 0, stuck: 0 }
    for (const { pool } of this.#lanes) {
      const counts = pool.counts()
      for (const state of workerStates) sum[state] += counts[state]
    }
    return sum
  }

  /** What the workers of each state hold, as last seen. */
  memory(): readonly (readonly [state: string, held: MemoryUse])[] {
    const held = heldByState(this.#lanes.flatMap(({ pool }) => pool.workers))
    return workerStates.map((state) => [state, held.get(state) ?? nothing])
  }

  demand(): DemandReport {
    const nowMs = this.#clock()
    return {
      cores: round(this.#demand.cores(nowMs)),
      coresLastSecond: round(this.#demand.coresLastSecond(nowMs)),
      workers: this.#lanes.reduce((sum, { pool }) => sum + pool.size, 0),
      busy: this.counts().busy,
      queued: this.#lanes.reduce((sum, { pool }) => sum + pool.queued, 0),
      predictedWaitMs: round(
        Math.max(0, ...this.#lanes.map(({ pool }) => pool.predictedWaitMs(nowMs))),
      ),
    }
  }

  /**
   * @param graceMs how long `dispose` may take.
   * @throws {StuckWorkerError} when a worker can't be ended.
   */
  async close(graceMs: number): Promise<void> {
    const closed = await Promise.allSettled(this.#lanes.map(({ pool }) => pool.close(graceMs)))
    for (const result of closed) if (result.status === "rejected") throw result.reason
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw new Error(`"${name}" is not an operation that runs on a worker.`)
    return entry
  }

  #makeLanes(): readonly Lane[] {
    const { service, settings } = this.#options
    return planLanes(service, settings).map((plan) => {
      const lane = this.#makeLane(plan)
      for (const name of plan.operations) this.#enter(name, service.operations.get(name)!, lane)
      return lane
    })
  }

  #enter(name: string, operation: Operation, lane: Lane): void {
    this.#entries.set(name, { operation, lane, cost: new OperationCost() })
  }

  #makeLane({ name, ...workers }: LanePlan): Lane {
    const { settings, moduleUrl, log } = this.#options
    const ranMs = new FadingMean()
    const overload = new Overload(() => ranMs.value)
    const told = workerLog(log, name)
    const pool = new Pool(
      {
        moduleUrl: moduleUrl.href,
        ...workers,
        spares: settings.spareWorkers,
        nice: settings.workerNice,
        memoryLookMs: settings.workerMemoryLookMs,
        setupTimeoutMs: settings.setupTimeoutMs,
        cancelGraceMs: settings.cancelGraceMs,
        promisesHoldSinceMs: () => overload.promisesHoldSinceMs,
        meanMs: () => ranMs.value,
        clock: this.#clock,
      },
      {
        used: (use) => {
          this.#learn(use)
          this.observer?.used(use)
        },
        corrected: (call, outcome, cpuMs) => {
          this.#entry(call.name).cost.correct(cpuMs)
          this.observer?.corrected(call, outcome, cpuMs)
        },
        unrun: (call, outcome, { foretoldMs }) => {
          const nowMs = this.#clock()
          if (outcome.kind === "expired") overload.promiseBroken(call.arrivedAtMs, nowMs)
          if (outcome.kind === "shed") this.#refusedTries.refused(call.tryId, nowMs)
          if (outcome.kind === "shed" && outcome.reason === "displaced") {
            overload.refused(nowMs, pool.predictedWaitMs(nowMs))
          }
          const { cost } = this.#entry(call.name)
          const cpuMs =
            foretoldMs === undefined
              ? (cost.meanCpuMs() ?? 0)
              : Math.min(cost.cpuMsOf(foretoldMs), timeAllowedMs(call))
          this.observer?.unserved(call.name, outcome.kind, cpuMs)
        },
        filled: () => overload.filled(this.#clock()),
        emptied: () => overload.emptied(this.#clock()),
        busy: (by) => collectionHelpers.busy(by),
        ...told,
        workerDied: (...death) => {
          this.observer?.workerDied()
          told.workerDied(...death)
        },
      },
    )
    return { name, pool, overload, modesty: new Modesty(workers.size), ranMs }
  }

  /** From every call that ran to its end, and from those that ran longer than was thought. */
  #learn({ call, outcome, ranMs, cpuMs, estimateMs, foretoldMs }: TaskUse): void {
    const { cost, lane, operation } = this.#entry(call.name)
    lane.modesty.asks(call.peer, ranMs - (estimateMs ?? 0), this.#clock())
    if (isRefusedUnrun(outcome.kind)) this.#demand.correct(call.name, this.#clock(), cpuMs)
    if (!isTelling(outcome, ranMs, cost.meanMs())) return
    lane.ranMs.add(ranMs)
    // What `cost` would have said of it is not known, so it can't be compared.
    if (operation.cost !== undefined && foretoldMs === undefined) return
    cost.learn(ranMs, cpuMs, foretoldMs)
  }

  #admissionState({ lane, cost }: Entry, arrival: Asking, nowMs: number): AdmissionState {
    const { queueMax } = this.#options.settings
    return {
      ...laneState(lane, arrival, cost.meanMs() ?? 0, queueMax, nowMs),
      bytesHeld: this.#bytesHeld,
      queueBytesMax: this.#queueBytesMax,
    }
  }

  #refuse(
    { name, peer, tryId }: Asking,
    { lane, cost }: Entry,
    reason: ShedReason,
    predictedWaitMs: number,
    nowMs: number,
    cpuMs: number | undefined,
  ): Shed {
    lane.modesty.asks(peer, cpuMs ?? cost.meanMs() ?? 0, nowMs)
    if (reason !== "setup-failed") lane.overload.refused(nowMs, predictedWaitMs)
    if (!this.#refusedTries.isRepeat(tryId, nowMs)) {
      this.#demand.offer(name, nowMs, cpuMs)
      this.observer?.unserved(name, "shed", cpuMs ?? cost.meanCpuMs() ?? 0)
    }
    this.#refusedTries.refused(tryId, nowMs)
    return shed(reason, predictedWaitMs)
  }
}

function known(outcome: Outcome): Ticket {
  return { outcome: Promise.resolve(outcome), cancel: () => {}, pull: () => {} }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}
