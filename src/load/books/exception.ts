/**
 * What scenarios threw, as data: counted by message and place, each with its first stack and the
 * times it was first and last seen. Their number is bounded, like that of failures: what comes after
 * that is counted under one name, and never lost.
 */

/** One kind of exception of one task. */
export interface ExceptionRow {
  /** The task that threw, or `set-up`, `tear-down`, `wait`. */
  readonly task: string
  /** `TypeError: answer.json().token is undefined`. */
  readonly message: string
  /** The first one's, the calls of the scenario first. */
  readonly stack: string
  readonly occurrences: number
  /** In milliseconds since 1970. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
}

export const exceptionRowsMax = 100
const messageLengthMax = 300
const stackLengthMax = 4000

export class Exceptions {
  readonly #rows = new Map<string, ExceptionRow>()

  add(task: string, thrown: unknown, nowMs: number): void {
    const { message, stack } = described(thrown)
    const times = { occurrences: 1, firstSeenMs: nowMs, lastSeenMs: nowMs }
    this.merge({ task, message, stack, ...times })
  }

  /** Adds what another thread has seen. */
  merge(row: ExceptionRow): void {
    const key = `${row.task}\n${row.message}\n${placeOf(row.stack)}`
    const known = this.#rows.get(key)
    if (known !== undefined) {
      this.#rows.set(key, {
        ...known,
        occurrences: known.occurrences + row.occurrences,
        firstSeenMs: Math.min(known.firstSeenMs, row.firstSeenMs),
        lastSeenMs: Math.max(known.lastSeenMs, row.lastSeenMs),
      })
    } else if (this.#rows.size >= exceptionRowsMax && row.task !== others) {
      const message = `one of more than ${exceptionRowsMax} kinds of exception`
      this.merge({ ...row, task: others, message, stack: "" })
    } else {
      this.#rows.set(key, row)
    }
  }

  /** The most frequent first. */
  rows(): readonly ExceptionRow[] {
    return [...this.#rows.values()].toSorted((a, b) => b.occurrences - a.occurrences)
  }

  /** All of them, which are then forgotten here. */
  take(): readonly ExceptionRow[] {
    const rows = [...this.#rows.values()]
    this.#rows.clear()
    return rows
  }
}

const others = "(others)"

function described(thrown: unknown): { readonly message: string; readonly stack: string } {
  if (!(thrown instanceof Error)) return { message: shortened(String(thrown)), stack: "" }
  const stack = (thrown.stack ?? "").slice(0, stackLengthMax)
  return { message: shortened(`${thrown.name}: ${thrown.message}`), stack }
}

function shortened(message: string): string {
  return message.slice(0, messageLengthMax)
}

/** The innermost call. Two that say the same in different places are two. */
function placeOf(stack: string): string {
  return /^ +at .*$/m.exec(stack)?.[0] ?? ""
}
