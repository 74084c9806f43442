/** Looks again and again at what may not come: says when there have been enough of them. */

export const lookMs = 50

export class Looks {
  readonly #msMax: number
  #count = 0

  /** @param msMax how long they may go on, one every {@link lookMs}. */
  constructor(msMax: number) {
    this.#msMax = msMax
  }

  begin(): void {
    this.#count = 0
  }

  /** Counts one more. Says whether it has been looked for long enough. */
  areEnough(): boolean {
    this.#count += 1
    return this.#count * lookMs > this.#msMax
  }
}
