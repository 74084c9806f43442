/** Things that happen again and again, counted by kind, in bounded memory. */

export interface Sighting {
  readonly occurrences: number
  /** Milliseconds since 1970. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
}

export interface Kinds<Row extends Sighting> {
  /** The same for rows that are to be counted together. */
  readonly keyOf: (row: Row) => string
  /** How many kinds have a row of their own. */
  readonly rowsMax: number
  /** The row that a further kind is counted under. */
  readonly others: (row: Row) => Row
}

export class Sightings<Row extends Sighting> {
  readonly #kinds: Kinds<Row>
  readonly #rows = new Map<string, Row>()

  constructor(kinds: Kinds<Row>) {
    this.#kinds = kinds
  }

  /** Adds what was seen here, or what another thread has seen. */
  merge(row: Row): void {
    const { keyOf, rowsMax, others } = this.#kinds
    const isNew = !this.#rows.has(keyOf(row))
    const counted = isNew && this.#rows.size >= rowsMax ? others(row) : row
    const key = keyOf(counted)
    const known = this.#rows.get(key)
    this.#rows.set(key, known === undefined ? counted : together(known, counted))
  }

  /** The most frequent first. */
  rows(): readonly Row[] {
    return [...this.#rows.values()].toSorted((a, b) => b.occurrences - a.occurrences)
  }

  /** All of them, which are then forgotten here. */
  take(): readonly Row[] {
    const rows = [...this.#rows.values()]
    this.#rows.clear()
    return rows
  }
}

/** Seen for the first time. */
export function seenOnce(nowMs: number): Sighting {
  return { occurrences: 1, firstSeenMs: nowMs, lastSeenMs: nowMs }
}

/** The first one's row, with what both have seen. */
function together<Row extends Sighting>(one: Row, another: Row): Row {
  return {
    ...one,
    occurrences: one.occurrences + another.occurrences,
    firstSeenMs: Math.min(one.firstSeenMs, another.firstSeenMs),
    lastSeenMs: Math.max(one.lastSeenMs, another.lastSeenMs),
  }
}
