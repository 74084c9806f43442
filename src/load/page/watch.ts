/**
 * Watches a target: asks its source once a second and keeps what it said, in bounded memory, from
 * the session's beginning to its end. Runs come and go meanwhile; they share the newest reading.
 */
import { type TargetPoint, targetCourse } from "../books/course.ts"
import { pointsMax } from "../books/history.ts"
import { Thinning } from "../books/thinning.ts"
import {
  figuresOf,
  peakOf,
  type TargetDecision,
  type TargetLogLine,
  type TargetReading,
  type TargetSource,
} from "../target.ts"
import type { PageEvent, TargetState } from "./events.ts"
import { Lanes } from "./lanes.ts"

const readEveryMs = 1000
const decisionsMax = 500
const linesMax = 2000
const lineCharactersMax = 2000
/** How long lines are gathered before they are told. */
const gatherMs = 250
/** Told at once. Who logs more than that is read in a file. */
const linesAtOnceMax = 200

export class Watch {
  readonly source: TargetSource
  readonly #clock: () => number
  readonly #tell: (event: PageEvent) => void
  readonly #points = new Thinning<TargetPoint>(pointsMax, merged)
  readonly #lanes = new Lanes()
  readonly #decisions = new Map<string, TargetDecision>()
  readonly #reading: NodeJS.Timeout
  readonly #unfollow: (() => void) | undefined
  #latest: TargetReading | null = null
  #isAsking = false
  #isClosed = false
  #lines: TargetLogLine[] = []
  #untold: TargetLogLine[] = []
  #missed = 0
  #telling: NodeJS.Timeout | undefined

  /**
   * @param clock tells milliseconds since 1970, and is never set back.
   * @param everyMs how often the source is asked.
   */
  constructor(
    source: TargetSource,
    clock: () => number,
    tell: (event: PageEvent) => void,
    everyMs = readEveryMs,
  ) {
    this.source = source
    this.#clock = clock
    this.#tell = tell
    this.#reading = setInterval(() => this.#ask(), everyMs)
    this.#unfollow = source.follow?.((line) => this.#takeLine(line))
    this.#ask()
  }

  /** The newest reading, for who needs no time line; `undefined` when the last had no answer. */
  get latest(): TargetReading | undefined {
    return this.#latest ?? undefined
  }

  state(): TargetState {
    return {
      where: this.source.where,
      reading: this.#latest,
      course: targetCourse(this.#points.items),
      lanes: this.#lanes.all,
      decisions: [...this.#decisions.values()],
      lines: this.source.follow === undefined ? null : this.#toldLines(),
    }
  }

  /** Without those that are still to be told, which would be there twice. */
  #toldLines(): readonly TargetLogLine[] {
    const count = Math.max(0, this.#lines.length - this.#untold.length - this.#missed)
    return this.#lines.slice(Math.max(0, count - linesMax), count)
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#reading)
    clearTimeout(this.#telling)
    this.#unfollow?.()
  }

  #ask(): void {
    if (this.#isAsking) {
      // It is slower than a second; until it answers nothing is known.
      this.#take(undefined)
      return
    }
    this.#isAsking = true
    this.source
      .read()
      .catch(() => undefined)
      .then((reading) => {
        this.#isAsking = false
        if (!this.#isClosed) this.#take(reading)
      })
  }

  #take(reading: TargetReading | undefined): void {
    const timeMs = Math.round(this.#clock())
    this.#latest = reading ?? null
    this.#points.add({ timeMs, figures: reading === undefined ? null : figuresOf(reading) })
    const { timeMs: times, columns } = targetCourse(this.#points.items.slice(-2))
    const last = times.length - 1
    const values = Object.entries(columns).map(([name, column]) => [name, column[last] ?? null])
    this.#tell({
      kind: "target",
      reading: this.#latest,
      row: { timeMs, values: Object.fromEntries(values) },
      lanes: reading?.pods === undefined ? [] : this.#lanes.take(reading.pods, timeMs),
      decisions: this.#takeDecisions(reading?.decisions ?? []),
    })
  }

  /** Answers with those that it had not seen. */
  #takeDecisions(decisions: readonly TargetDecision[]): readonly TargetDecision[] {
    const fresh = decisions.filter(({ id }) => !this.#decisions.has(id))
    for (const decision of fresh) this.#decisions.set(decision.id, decision)
    for (const id of this.#decisions.keys()) {
      if (this.#decisions.size <= decisionsMax) break
      this.#decisions.delete(id)
    }
    return fresh
  }

  #takeLine(line: TargetLogLine): void {
    if (this.#isClosed) return
    const kept = { ...line, text: line.text.slice(0, lineCharactersMax) }
    this.#lines.push(kept)
    // In bulk, because taking one from the front moves all others.
    if (this.#lines.length > 2 * linesMax) this.#lines = this.#lines.slice(-linesMax)
    if (this.#untold.length < linesAtOnceMax) this.#untold.push(kept)
    else this.#missed += 1
    this.#telling ??= setTimeout(() => this.#tellLines(), gatherMs)
  }

  #tellLines(): void {
    const [lines, missed] = [this.#untold, this.#missed]
    this.#telling = undefined
    this.#untold = []
    this.#missed = 0
    this.#tell({ kind: "lines", lines, missed })
  }
}

function merged(earlier: TargetPoint, later: TargetPoint): TargetPoint {
  if (later.figures === null) return { ...earlier, timeMs: later.timeMs }
  return { ...later, figures: peakOf(earlier.figures, later.figures) }
}
