/** The replicas of `capstan up` as the live page knows a target. */
import type { TargetLogLine, TargetReading, TargetSource } from "../../load/target.ts"
import type { LocalState, ReplicaState } from "../../local/state.ts"

function targetReading(state: LocalState): TargetReading {
  const { wanted, present, ready, scaling, workers, busy, queued, shedTotal } = state
  return {
    replicas: { wanted, present, ready, min: scaling.minReplicas, max: scaling.maxReplicas },
    workers,
    busy,
    queued,
    shedTotal,
    ...(state.demandCores === undefined ? {} : { demandCores: state.demandCores }),
    ...(state.cpuCores === undefined ? {} : { cpuCores: state.cpuCores }),
    ...(state.utilizationPercent === undefined
      ? {}
      : { utilizationPercent: state.utilizationPercent }),
    targetPercent: scaling.targetPercent,
    pods: state.replicas.map(podOf),
    decisions: state.decisions.map(({ number, atMs, from, to, reasons }) => ({
      id: `${state.startedAt}.${number}`,
      atMs,
      from,
      to,
      reasons,
    })),
  }
}

function podOf(replica: ReplicaState): NonNullable<TargetReading["pods"]>[number] {
  const { name, phase, since, restarts, cpuCores, busy, queued, outstanding } = replica
  return {
    name,
    phase: phase === "pending" ? "starting" : phase,
    sinceMs: since,
    restarts,
    ...(cpuCores === undefined ? {} : { cpuCores }),
    ...(busy === undefined ? {} : { busy }),
    ...(queued === undefined ? {} : { queued }),
    ...(outstanding === undefined ? {} : { outstanding }),
  }
}

/** A source whose lines are handed in as they come. */
export class UpTarget implements TargetSource {
  readonly where = "the replicas of capstan up"
  readonly #state: () => LocalState
  readonly #followers = new Set<(line: TargetLogLine) => void>()

  constructor(state: () => LocalState) {
    this.#state = state
  }

  async read(): Promise<TargetReading> {
    return targetReading(this.#state())
  }

  follow(line: (line: TargetLogLine) => void): () => void {
    this.#followers.add(line)
    return () => this.#followers.delete(line)
  }

  line(pod: string, text: string): void {
    const line = { atMs: Date.now(), pod, text }
    for (const follower of this.#followers) follower(line)
  }
}
