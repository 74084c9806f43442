/**
 * Peers that call one operation of a service, on simulated time: admission, queue and overload are those
 * of production, and only workers and clients are made up.
 */
import assert from "node:assert/strict"
import { FadingMean } from "../../src/core/fading-mean.ts"
import { admit } from "../../src/service/admission.ts"
import { OperationCost } from "../../src/service/cost.ts"
import { waitMsMax } from "../../src/service/lane.ts"
import { Modesty } from "../../src/service/modesty.ts"
import type { Call } from "../../src/service/outcome.ts"
import { Overload } from "../../src/service/overload.ts"
import { newTask, type Task } from "../../src/service/pool/task.ts"
import { Waiting, type WaitingOptions } from "../../src/service/pool/waiting.ts"

export interface SimulatedPeer {
  readonly name: string
  /** How long its next call holds a worker. */
  readonly callMs: () => number
  /** Calls that it has open at once: each is followed by the next `pauseMs` after its answer. */
  readonly connections?: number
  readonly pauseMs?: number
  /** Or the time from one call to the next, whatever is answered. */
  readonly gapMs?: () => number
  /** @default 30_000 */
  readonly deadlineMs?: number
}

export interface Tally {
  sent: number
  done: number
  shed: number
  displaced: number
  /** Admitted, and out of time in the queue: a promise that was not kept. */
  expired: number
  /** Done after its deadline. */
  late: number
  workMs: number
  waitMsMax: number
}

export interface SimulatedPool {
  readonly workers: number
  readonly queueMax?: number
  readonly peers: readonly SimulatedPeer[]
  readonly untilMs: number
  /** From when on it counts. */
  readonly fromMs?: number
}

interface SimulatedWorker {
  readonly state: "busy"
  readonly isLeaving: false
  readonly given: { readonly aheadMs: 0; readonly aheadCount: 0; readonly ahead: [] }
  task: Task | undefined
}

/** What came of each peer's calls, and for how long a worker was idle while somebody waited. */
export function simulate(pool: SimulatedPool) {
  const { peers, queueMax = 1000, untilMs, fromMs = 0 } = pool
  let nowMs = 0
  const events = new Events()
  const tallies = new Map<string, Tally>()
  const cost = new OperationCost()
  const meanRanMs = new FadingMean()
  const modesty = new Modesty(pool.workers)
  const overload = new Overload(() => meanRanMs.value)
  const workers = Array.from(
    { length: pool.workers },
    (): SimulatedWorker => ({
      state: "busy",
      isLeaving: false,
      given: { aheadMs: 0, aheadCount: 0, ahead: [] },
      task: undefined,
    }),
  )
  const waiting = new Waiting({
    workers: workers as unknown as WaitingOptions["workers"],
    clock: () => nowMs,
    promisesHoldSinceMs: () => overload.promisesHoldSinceMs,
    meanMs: () => meanRanMs.value,
    slots: () => workers.length,
    filled: () => overload.filled(nowMs),
    emptied: () => overload.emptied(nowMs),
  })
  const served: string[] = []
  const callMs = new Map<Task, number>()
  const ended = new Map<Task, (how: "done" | "displaced" | "expired") => void>()

  const start = (worker: SimulatedWorker, task: Task): void => {
    worker.task = task
    task.startedAtMs = nowMs
    served.push(task.call.requestId)
    const ranMs = callMs.get(task)!
    events.at(nowMs + ranMs, () => {
      worker.task = undefined
      cost.learn(ranMs, ranMs, undefined)
      meanRanMs.add(ranMs)
      waiting.took(task, ranMs)
      modesty.asks(task.call.peer, ranMs - (task.estimate.ms ?? 0), nowMs)
      ended.get(task)!("done")
      const next = waiting.takeInTime((late) => ended.get(late)!("expired"))
      if (next !== undefined) start(worker, next)
    })
  }

  const send = (peer: SimulatedPeer, answered: (wasDone: boolean) => void): void => {
    const tally = tallies.get(peer.name)!
    const counts = nowMs >= fromMs ? 1 : 0
    const { deadlineMs = 30_000 } = peer
    const arrivedAtMs = nowMs
    tally.sent += counts
    const idle = waiting.queueIsEmpty ? workers.find(({ task }) => task === undefined) : undefined
    const { count: queued } = waiting
    const waitMs = idle ? 0 : waiting.waitMs(nowMs, peer.name)
    const ms = cost.meanMs() ?? 0
    const patienceMs = waitMsMax(overload.waitMsMax(), {
      allMs: () => waiting.waitMs(nowMs),
      ownMs: () => waiting.ownWaitMs(peer.name),
      isModest: () => modesty.isModest(peer.name, ms, nowMs),
    })
    modesty.asks(peer.name, ms, nowMs)
    const reason = admit(
      {
        workersDown: false,
        setupFails: false,
        hasRoom: idle !== undefined,
        queued,
        queueMax,
        hasBehind: queued >= queueMax && waiting.hasBehind(peer.name),
        bytesHeld: 0,
        queueBytesMax: 1,
        predictedWaitMs: waitMs,
        waitMsMax: patienceMs,
      },
      { bytes: 0, remainingMs: deadlineMs, ownMs: cost.highMs(), ownIs: "learnt" },
    )
    if (reason !== undefined) {
      overload.refused(nowMs, waitMs)
      tally.shed += counts
      answered(false)
      return
    }
    const estimate = {
      ms: cost.meanMs(),
      medianMs: cost.medianMs(),
      highMs: cost.highMs(),
      foretoldMs: undefined,
    }
    const call = {
      peer: peer.name,
      requestId: `${peer.name} ${tally.sent}`,
      arrivedAtMs,
      deadlineAtMs: nowMs + deadlineMs,
      transfer: [],
    } as Partial<Call> as Call
    const task = newTask(call, estimate, () => {})
    callMs.set(task, peer.callMs())
    ended.set(task, (how) => {
      callMs.delete(task)
      ended.delete(task)
      tally[how] += counts
      if (how === "done") {
        tally.workMs += nowMs - task.startedAtMs
        tally.waitMsMax = Math.max(tally.waitMsMax, counts * (task.startedAtMs - arrivedAtMs))
        if (nowMs > call.deadlineAtMs) tally.late += counts
      }
      if (how === "displaced") overload.refused(nowMs, waiting.waitMs(nowMs))
      if (how === "expired") overload.promiseBroken(arrivedAtMs, nowMs)
      answered(how === "done")
    })
    if (idle !== undefined) start(idle, task)
    else {
      for (const other of waiting.add(task, queueMax)) ended.get(other)!("displaced")
      assert.ok(waiting.count <= queueMax, "the queue keeps its bound")
      assert.ok(
        workers.every(({ task }) => task !== undefined),
        "nobody waits for an idle worker",
      )
    }
  }

  for (const peer of peers) {
    tallies.set(peer.name, {
      ...{ sent: 0, done: 0, shed: 0, displaced: 0 },
      ...{ expired: 0, late: 0, workMs: 0, waitMsMax: 0 },
    })
    const { connections = 0, pauseMs = 0, gapMs } = peer
    const again = (): void => send(peer, () => events.at(nowMs + Math.max(1, pauseMs), again))
    for (let n = 0; n < connections; n++) events.at(0, again)
    const next = (): void => {
      send(peer, () => {})
      events.at(nowMs + gapMs!(), next)
    }
    if (gapMs !== undefined) events.at(gapMs(), next)
  }
  for (;;) {
    const event = events.next()
    if (event === undefined || event.atMs > untilMs) break
    nowMs = event.atMs
    event.happens()
  }
  return { of: (name: string): Tally => tallies.get(name)!, all: [...tallies.values()], served }
}

interface Event {
  readonly atMs: number
  readonly number: number
  happens(): void
}

/** In the order of their times, those of one time in the order that they were made in. */
class Events {
  readonly #heap: Event[] = []
  #count = 0

  at(atMs: number, happens: () => void): void {
    const heap = this.#heap
    const event: Event = { atMs, number: this.#count++, happens }
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(event, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = event
  }

  next(): Event | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
      if (!isBefore(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number)
}
