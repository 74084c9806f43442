/** Says things of a kind once a second at most, and how many there were besides. */
const everyMs = 1_000

export class Sparing {
  readonly #say: (lines: readonly string[]) => void
  #unsaid = 0
  #last: readonly string[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(say: (lines: readonly string[]) => void) {
    this.#say = say
  }

  say(lines: readonly string[]): void {
    if (this.#timer !== undefined) {
      this.#unsaid += 1
      this.#last = lines
      return
    }
    this.#say(lines)
    this.#timer = setTimeout(() => this.#over(), everyMs)
    this.#timer.unref()
  }

  #over(): void {
    this.#timer = undefined
    const [first = "", ...more] = this.#last
    if (this.#unsaid === 0) return
    const besides = this.#unsaid - 1
    this.#unsaid = 0
    this.say(besides === 0 ? [first, ...more] : [`${first}, and ${besides} more like it`, ...more])
  }
}
