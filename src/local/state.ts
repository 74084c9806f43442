/** All of it at one moment, as plain data: for the terminal, the live page and `capstan status`. */
import type { Decided } from "./autoscaler.ts"
import type { BackendStats } from "./balancer/balancer.ts"
import type { Fleet } from "./fleet.ts"
import type { Scaling } from "./local.ts"
import type { Phase, Replica } from "./replica.ts"

export interface LocalState {
  /** Milliseconds since 1970, as all times here. */
  readonly startedAt: number
  /** Where the service is served. */
  readonly url: string
  readonly scaling: Scaling
  /** Of the source, counted from 1. */
  readonly version: number
  /** Another version is being started. */
  readonly isRollingOut: boolean
  readonly wanted: number
  readonly present: number
  readonly ready: number
  readonly workers: number
  readonly busy: number
  readonly queued: number
  /** Workers that do not end though they were terminated: they are in native code. */
  readonly stuck: number
  /** What their worker threads hold: heaps, Buffers and typed arrays. */
  readonly memoryBytes: number
  /** What replicas say of why they are not ready, or of operations that they refuse; each once. */
  readonly troubles: readonly string[]
  /** Refused by replicas since the start. */
  readonly shedTotal: number
  /** Cores asked for; absent while nothing is known. */
  readonly demandCores?: number
  /** Of the replicas that have a sample, as the autoscaler saw them last. */
  readonly cpuCores?: number
  readonly utilizationPercent?: number
  readonly replicas: readonly ReplicaState[]
  readonly decisions: readonly Decided[]
}

export interface ReplicaState {
  readonly name: string
  readonly version: number
  readonly phase: Exclude<Phase, "gone">
  readonly since: number
  readonly restarts: number
  readonly pid?: number
  readonly cpuCores?: number
  readonly workers?: number
  readonly busy?: number
  readonly queued?: number
  readonly stuck?: number
  /** What its worker threads hold: heaps, Buffers and typed arrays. */
  readonly memoryBytes?: number
  /** Requests that the balancer has there. */
  readonly outstanding?: number
}

interface Facts {
  readonly startedAt: number
  readonly url: string
  readonly scaling: Scaling
  readonly fleet: Fleet
  readonly balanced: Readonly<Record<string, BackendStats>>
  readonly demandCores: number | undefined
  readonly decisions: readonly Decided[]
}

export function stateOf(facts: Facts): LocalState {
  const { startedAt, url, scaling, fleet, balanced, demandCores, decisions } = facts
  const { serving, next, leaving, wanted, version, shedTotal } = fleet
  const ready = serving.filter(({ phase }) => phase === "ready")
  const usedMilli = ready.flatMap(({ cpu }) => (cpu === undefined ? [] : [cpu.usedMilli]))
  const sumMilli = usedMilli.reduce((sum, milli) => sum + milli, 0)
  const all = [...serving, ...next, ...leaving]
  const sum = (key: "workers" | "busy" | "queued" | "stuck" | "memoryBytes"): number =>
    all.reduce((total, { figures }) => total + (figures?.[key] ?? 0), 0)
  return {
    startedAt,
    url,
    scaling,
    version,
    isRollingOut: next.length > 0,
    wanted,
    present: serving.length,
    ready: ready.length,
    workers: sum("workers"),
    busy: sum("busy"),
    queued: sum("queued"),
    stuck: sum("stuck"),
    memoryBytes: sum("memoryBytes"),
    troubles: [...new Set([...serving, ...next].flatMap(({ figures }) => figures?.troubles ?? []))],
    shedTotal,
    ...(demandCores === undefined ? {} : { demandCores: rounded(demandCores) }),
    ...(usedMilli.length === 0
      ? {}
      : {
          cpuCores: sumMilli / 1000,
          // Cut to a whole number, as the autoscaler does it.
          utilizationPercent: Math.trunc((sumMilli * 100) / (usedMilli.length * scaling.cpuMilli)),
        }),
    replicas: all.flatMap((replica) => stateOfReplica(replica, balanced)),
    decisions: [...decisions],
  }
}

function stateOfReplica(
  replica: Replica,
  balanced: Readonly<Record<string, BackendStats>>,
): readonly ReplicaState[] {
  const { name, version, phase, phaseSince, restarts, pid, cpu, figures, backend } = replica
  if (phase === "gone") return []
  const outstanding = backend === undefined ? undefined : balanced[backend]?.outstanding
  return [
    {
      name,
      version,
      phase,
      since: phaseSince,
      restarts,
      ...(pid === undefined || phase === "failed" ? {} : { pid }),
      ...(cpu === undefined ? {} : { cpuCores: cpu.usedMilli / 1000 }),
      ...(figures === undefined
        ? {}
        : {
            workers: figures.workers,
            busy: figures.busy,
            queued: figures.queued,
            stuck: figures.stuck,
          }),
      ...(figures?.memoryBytes === undefined ? {} : { memoryBytes: figures.memoryBytes }),
      ...(outstanding === undefined ? {} : { outstanding }),
    },
  ]
}

function rounded(cores: number): number {
  return Math.round(cores * 1000) / 1000
}
