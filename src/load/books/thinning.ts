/**
 * A list in bounded memory. When it is full, neighbours become one, two by two: the oldest items
 * have been through that most often, so that detail is lost with age, and the course never.
 */
export class Thinning<T> {
  readonly #max: number
  readonly #merge: (earlier: T, later: T) => T
  #items: T[] = []

  constructor(max: number, merge: (earlier: T, later: T) => T) {
    this.#max = max
    this.#merge = merge
  }

  add(item: T): void {
    this.#items.push(item)
    if (this.#items.length > this.#max) this.#items = this.#halved()
  }

  get items(): readonly T[] {
    return this.#items
  }

  #halved(): T[] {
    const merged: T[] = []
    for (let index = 0; index < this.#items.length; index += 2) {
      const [earlier, later] = [this.#items[index]!, this.#items[index + 1]]
      merged.push(later === undefined ? earlier : this.#merge(earlier, later))
    }
    return merged
  }
}
