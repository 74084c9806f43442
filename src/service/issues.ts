/**
 * What is wrong with a value, as whoever sent it is told. A client chooses how many things are wrong
 * with its body, and how long the names and values are that a message repeats; so as much is kept as
 * somebody would read, and the rest is counted.
 */

/** One thing that is wrong with an input, as the client sees it. */
export interface Issue {
  /** Where: `["body", "n"]`. The first element is `path`, `query`, `headers` or `body`. */
  readonly path: readonly (string | number)[]
  readonly message: string
  /** The library's own name of the rule that failed, `"invalid"` where it has none. */
  readonly code: string
}

/** How many are told of; the others are counted. */
export const issuesMax = 100
/** Of a message, in UTF-16 units. */
const messageLengthMax = 1000
/** Of one key in a path, in UTF-16 units. */
const keyLengthMax = 256
/** Keys in a path. A body nests less deep (`nestingMax`), and only a schema's own paths are longer. */
const pathLengthMax = 200

/** Collects what is wrong, the first {@link issuesMax} of it. */
export class Issues {
  readonly #first: Issue[] = []
  #count = 0

  /** The first {@link issuesMax}, in the order in which they were added. */
  get first(): readonly Issue[] {
    return this.#first
  }

  /** How many there are, those that were left out included. */
  get count(): number {
    return this.#count
  }

  add(issue: Issue): void {
    this.addAll([issue], (itself) => itself)
  }

  /** Adds what `toIssue` makes of each; those that are left out are never made. */
  addAll<Found>(found: ArrayLike<Found>, toIssue: (found: Found) => Issue): void {
    const added = Math.min(found.length, issuesMax - this.#first.length)
    for (let at = 0; at < added; at++) this.#first.push(shortened(toIssue(found[at] as Found)))
    this.#count += found.length
  }

  /** Adds those of another list, and what that has left out to what is left out here. */
  merge(others: Pick<Issues, "first" | "count">): void {
    this.addAll(others.first, (itself) => itself)
    this.#count += others.count - others.first.length
  }
}

function shortened({ path, message, code }: Issue): Issue {
  return {
    path: path
      .slice(0, pathLengthMax)
      .map((key) => (typeof key === "string" ? cut(key, keyLengthMax) : key)),
    message: cut(message, messageLengthMax),
    code,
  }
}

/** Never in the middle of a character that takes two units. */
function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax).toWellFormed()}…`
}
