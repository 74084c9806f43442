/**
 * Who has the most of something that is counted one by one. However many there are, a change takes the
 * same short time, and who has the most is found at once.
 */
export class Ranking<Item> {
  /** By how much they have. Who has nothing is in none of them. */
  readonly #byCount: (Set<Item> | undefined)[] = []

  change(item: Item, from: number, to: number): void {
    const before = this.#byCount[from]
    before?.delete(item)
    if (before?.size === 0) this.#byCount[from] = undefined
    if (to > 0) {
      this.#byCount[to] ??= new Set()
      this.#byCount[to].add(item)
    }
    while (this.#byCount.length > 0 && this.#byCount.at(-1) === undefined) this.#byCount.pop()
  }

  /** Who has the most first. */
  *descending(): Generator<Item, undefined> {
    for (let count = this.#byCount.length - 1; count > 0; count -= 1) {
      yield* this.#byCount[count] ?? []
    }
  }
}
