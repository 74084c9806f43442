/**
 * The tasks that wait, in turns between the peers that they are of.
 *
 * Whoever has been given least goes next, and of each peer the oldest. This is start-time fair queueing
 * (Goyal, Vin, Cheng, SIGCOMM '96), for several servers as SFQ(D) has it (Jin, Chase, Kaur, SIGMETRICS
 * '04). What a peer is given is counted in milliseconds of a worker: as estimated when its task is
 * served, corrected when it is over. The count of whoever comes anew begins where that of the one served
 * last stood, so that nobody saves up turns by being away; and who has been given more than that keeps
 * its count until the others have as much. With each that is served that beginning moves on by half of
 * everybody's share: else peers that are always new would go before whoever has had a turn, for ever.
 * Of one peer all are served in the order that they came in.
 */
import { Line, Load } from "./line.ts"
import type { Task } from "./task.ts"

/** Of a task of which nothing is known, nor of any other: then each counts as much as the next. */
const unknownMs = 1
/** What a task counts for at the least: else one that is said to cost nothing would always be next. */
const leastMs = 0.01
/** Peers that are remembered without being looked through for those that need not be. */
const remembered = 64

export class TaskQueue {
  readonly #meanMs: () => number | undefined
  /** By peer: those that wait, and those that have been given more than who is next. */
  readonly #lines = new Map<string, Line>()
  /** Of those that wait, who is next first. */
  readonly #turns: Line[] = []
  readonly #all = new Load()
  /** What the one served last had been given, or a little more. */
  #given = 0
  #turn = 0
  #linesMax = remembered

  /** @param meanMs of each task that came without an estimate; `undefined` while nothing is known. */
  constructor(meanMs: () => number | undefined) {
    this.#meanMs = meanMs
  }

  get size(): number {
    return this.#all.count
  }

  /** How many peers are known. */
  get linesCount(): number {
    return this.#lines.size
  }

  /** What all of them together are thought to take, in milliseconds of a worker. */
  estimateMs(): number {
    return this.#all.ms(this.#meanMs() ?? 0)
  }

  /** What those of the peer are thought to take. */
  ownMs(peer: string): number {
    return this.#lines.get(peer)?.load.ms(this.#meanMs() ?? 0) ?? 0
  }

  /** Whether some wait that are not of the peer. Where none do, all go by their age. */
  hasOthers(peer: string): boolean {
    return this.#turns.length > 1 || (this.#turns.length === 1 && this.#turns[0]!.peer !== peer)
  }

  /** What of it is served before a newcomer of the peer would be. */
  beforeMs(peer: string): number {
    const meanMs = this.#meanMs()
    if (meanMs === undefined || !this.hasOthers(peer)) return this.estimateMs()
    const given = this.#givenToNewcomer(peer)
    let sumMs = 0
    for (const line of this.#turns) {
      if (line.given > given) break
      const lineMs = line.load.ms(meanMs)
      // The last of another's that is served before may be begun at the newcomer's own count.
      const untilMs = given - line.given + this.#costOf(line.oldest!)
      sumMs += line.peer === peer ? lineMs : Math.min(lineMs, untilMs)
    }
    return sumMs
  }

  /** Those that a newcomer of the peer would go before, in their order. */
  behind(peer: string): readonly Task[] {
    if (!this.hasOthers(peer)) return []
    const newcomer = this.#givenToNewcomer(peer)
    const found: { readonly task: Task; readonly given: number }[] = []
    for (const line of this.#turns) {
      let given = line.given
      for (const task of line.peer === peer ? [] : line) {
        if (given > newcomer) found.push({ task, given })
        given += this.#costOf(task)
      }
    }
    return found.toSorted((a, b) => a.given - b.given).map(({ task }) => task)
  }

  /** The last of them. */
  lastBehind(peer: string): Task | undefined {
    if (!this.hasOthers(peer)) return undefined
    let lastGiven = this.#givenToNewcomer(peer)
    let last: Task | undefined
    for (const line of this.#turns) {
      if (line.peer === peer) continue
      const given = this.#endOf(line) - this.#costOf(line.newest!)
      if (given <= lastGiven) continue
      lastGiven = given
      last = line.newest
    }
    return last
  }

  add(task: Task): void {
    const line = this.#lineOf(task)
    if (line.load.count === 0) line.given = Math.max(line.given, this.#given)
    line.add(task)
    this.#all.change(task, 1)
    if (line.turn === 0) this.#joinTurns(line)
  }

  /** Puts back at the head of its peer's a task that was served but never begun. */
  putBack(task: Task): void {
    const line = this.#lineOf(task)
    if (line.turn !== 0) this.#leaveTurns(line)
    line.putBack(task)
    line.given -= task.countedMs
    task.countedMs = 0
    this.#all.change(task, 1)
    this.#joinTurns(line, -1)
  }

  /**
   * The one to be served next: of those that arrived since, the oldest of who has been given least,
   * else of those before the newest. It stays.
   */
  next(sinceMs: number): Task | undefined {
    const first = this.#turns[0]
    if (first === undefined || first.oldest!.call.arrivedAtMs >= sinceMs) return first?.oldest
    for (const line of this.#turns) {
      const task = line.oldestSince(sinceMs)
      if (task !== undefined) return task
    }
    return first.newest
  }

  /** Takes out a task that is in the queue, for a worker to have it. */
  serve(task: Task): void {
    const line = this.#lineOf(task)
    task.countedMs = this.#costOf(task)
    const shareMs = task.countedMs / (2 * this.#turns.length)
    this.#given = Math.max(this.#given + shareMs, line.given)
    this.#give(line, task.countedMs)
    this.remove(task)
  }

  /** A task that was served took so long. */
  took(task: Task, ranMs: number): void {
    const line = this.#lines.get(task.call.peer)
    if (line !== undefined && task.countedMs > 0) this.#give(line, ranMs - task.countedMs)
  }

  /** Takes out a task that is in the queue, and will not be served. */
  remove(task: Task): void {
    const line = this.#lineOf(task)
    line.remove(task)
    this.#all.change(task, -1)
    if (line.load.count === 0) this.#leaveTurns(line)
    if (this.#all.count === 0) this.#forgetAll()
  }

  /** Peer after peer, of each oldest to newest. */
  *[Symbol.iterator](): Generator<Task> {
    for (const line of this.#turns) yield* line
  }

  #costOf({ estimate }: Task): number {
    return Math.max(leastMs, estimate.ms ?? this.#meanMs() ?? unknownMs)
  }

  /** What its peer will have been given when all that waits of it is served. */
  #endOf(line: Line): number {
    return line.given + line.load.ms(this.#meanMs() ?? unknownMs)
  }

  #givenToNewcomer(peer: string): number {
    const line = this.#lines.get(peer)
    if (line === undefined) return this.#given
    return line.load.count > 0 ? this.#endOf(line) : Math.max(line.given, this.#given)
  }

  #lineOf({ call: { peer } }: Task): Line {
    const known = this.#lines.get(peer)
    if (known !== undefined) return known
    if (this.#lines.size >= this.#linesMax) this.#forgetEvened()
    const line = new Line(peer, this.#given)
    this.#lines.set(peer, line)
    return line
  }

  #give(line: Line, ms: number): void {
    const hasOthers = line.turn !== 0 && this.#turns.length > 1
    if (hasOthers) this.#leaveTurns(line)
    line.given += ms
    if (hasOthers) this.#joinTurns(line)
  }

  /** Behind those who have been given the same, or before them. */
  #joinTurns(line: Line, side: 1 | -1 = 1): void {
    this.#turn += 1
    line.turn = side * this.#turn
    this.#turns.splice(this.#placeOf(line), 0, line)
  }

  #leaveTurns(line: Line): void {
    this.#turns.splice(this.#placeOf(line), 1)
    line.turn = 0
  }

  /** Where it is among the turns, or belongs. */
  #placeOf({ given, turn }: Line): number {
    let [from, to] = [0, this.#turns.length]
    while (from < to) {
      const middle = (from + to) >> 1
      const other = this.#turns[middle]!
      if (other.given < given || (other.given === given && other.turn < turn)) from = middle + 1
      else to = middle
    }
    return from
  }

  /** Who has been given no more than the one served last, and waits for nothing, begins anew. */
  #forgetEvened(): void {
    for (const [peer, line] of this.#lines) {
      if (line.load.count === 0 && line.given <= this.#given) this.#lines.delete(peer)
    }
    this.#linesMax = Math.max(remembered, 2 * this.#lines.size)
  }

  /** Nobody waits: whatever anybody has been given, it was at nobody's cost. */
  #forgetAll(): void {
    this.#lines.clear()
    this.#given = 0
    this.#turn = 0
  }
}
