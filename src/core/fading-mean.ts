/**
 * The mean of recent values, in fixed memory. Old values fade by count, not by time, which keeps what
 * is known through a quiet night.
 */
export class FadingMean {
  readonly #fading: number
  #weight = 0
  #sum = 0

  /** @param halfLife after how many values an old one counts half. 1 or more. */
  constructor(halfLife = 512) {
    this.#fading = 0.5 ** (1 / halfLife)
  }

  add(value: number): void {
    this.#weight = this.#weight * this.#fading + 1
    this.#sum = this.#sum * this.#fading + value
  }

  /** A value that was added not long ago should have been so much more. */
  raise(by: number): void {
    this.#sum += by
  }

  /** `undefined` before the first value. */
  get value(): number | undefined {
    return this.#weight === 0 ? undefined : this.#sum / this.#weight
  }
}
