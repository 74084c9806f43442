/**
 * What one worker was given and has not answered, in order. The first is the task that it is at, as far
 * as known here; those behind it were given ahead of their turn (see ahead.ts). It begins one after
 * another by itself, so both threads have to agree on who has a task that is taken back: see
 * `Flag.claims`.
 */

import type { RawInput } from "../operation.ts"
import { timeAllowedMs } from "../outcome.ts"
import type { Carrier } from "./carrier.ts"
import { claim, Flag, idMax, type RunMessage, tasksMax } from "./protocol.ts"
import type { Task } from "./task.ts"

export interface Given {
  readonly task: Task
  /** See `RunMessage`. */
  readonly id: number
  readonly slot: number
  /** Set once it was told to stop: how long it may take to. */
  graceMs: number | undefined
}

export class GivenTasks {
  readonly #flags: Int32Array
  readonly #all: Given[] = []
  #lastId = 0

  constructor(flags: Int32Array) {
    this.#flags = flags
  }

  get first(): Given | undefined {
    return this.#all[0]
  }

  /** Changes with each that is given. */
  get lastId(): number {
    return this.#lastId
  }

  get isFull(): boolean {
    return this.#all.length === tasksMax
  }

  get ahead(): readonly Task[] {
    return this.#all.slice(1).map(({ task }) => task)
  }

  get aheadCount(): number {
    return Math.max(0, this.#all.length - 1)
  }

  /** What those will take, by the estimates. */
  get aheadMs(): number {
    let sum = 0
    for (let at = 1; at < this.#all.length; at++) sum += this.#all[at]!.task.estimate.ms ?? 0
    return sum
  }

  /** Whether the worker has begun the next one: the outcome of the first is on its way then. */
  get isPastFirst(): boolean {
    const next = this.#all[1]
    return next !== undefined && !this.#isUnbegun(next)
  }

  find(task: Task): Given | undefined {
    return this.#all.find((given) => given.task === task)
  }

  /** At the end. */
  add(task: Task): Given {
    let slot = 0
    while (this.#all.some((given) => given.slot === slot)) slot++
    this.#lastId = this.#lastId === idMax ? 1 : this.#lastId + 1
    const given: Given = { task, id: this.#lastId, slot, graceMs: undefined }
    this.#all.push(given)
    Atomics.store(this.#flags, Flag.claims + slot, given.id)
    return given
  }

  /** Takes away one that is not the first, unless the worker has begun it. Says whether it could. */
  takeBack(task: Task): boolean {
    const at = this.#all.findIndex((given) => given.task === task)
    if (at < 1 || !claim(this.#flags, this.#all[at]!)) return false
    this.#all.splice(at, 1)
    return true
  }

  /** Takes away the first, which is over. */
  shift(): void {
    const given = this.#all.shift()
    if (given?.graceMs !== undefined) this.#showCancelled()
  }

  /** Tells the worker's thread to stop one that it has begun. */
  cancel(given: Given, graceMs: number): void {
    given.graceMs = graceMs
    this.#showCancelled()
  }

  /** Takes away all, from a worker that is gone or is done without: it begins none of them any more. */
  takeAll(): { readonly begun: readonly Given[]; readonly unbegun: readonly Given[] } {
    const begun: Given[] = []
    const unbegun: Given[] = []
    for (const given of this.#all.splice(0)) {
      if (claim(this.#flags, given)) unbegun.push(given)
      else begun.push(given)
    }
    return { begun, unbegun }
  }

  /**
   * The last of those that were told to stop is the one that the worker is at: what was before it is
   * over.
   */
  #showCancelled(): void {
    const last = this.#all.findLast(({ graceMs }) => graceMs !== undefined)
    Atomics.store(this.#flags, Flag.cancel, last?.id ?? 0)
  }

  #isUnbegun({ id, slot }: Given): boolean {
    return Atomics.load(this.#flags, Flag.claims + slot) === id
  }
}

/** @throws when the input can't cross. */
export function postGiven(carrier: Carrier, given: Given): void {
  carrier.post(runMessage(given), given.task.call.transfer)
}

/** What the worker is told of it. */
function runMessage({ task: { call }, id, slot }: Given): RunMessage {
  const { path, query, headers, body } = (call.received ?? call.input) as RawInput
  const deadlineAtMs = performance.timeOrigin + call.deadlineAtMs
  const { name, requestId, encoding } = call
  return [
    id,
    name,
    path,
    query,
    headers,
    body,
    requestId,
    deadlineAtMs,
    encoding,
    slot,
    call.received && { timeAllowedMs: call.input === undefined ? timeAllowedMs(call) : undefined },
  ]
}
