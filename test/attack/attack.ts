/**
 * What every attack is: it does something hostile to something real, counts what it has tried, and
 * says what it has found. It asserts properties and no times: others are answered, what belongs
 * together stays together, memory is bounded, everything ends.
 */
import type { Random } from "../../src/core/random.ts"

export interface Attack {
  readonly name: string
  /** What is tried, and what must not come of it. */
  readonly what: string
  run(trial: Trial): Promise<void>
}

/** One run of one attack, and the books of it. */
export class Trial {
  readonly random: Random
  /** How long an attack goes on that could go on for ever. */
  readonly seconds: number
  readonly #tried = new Map<string, number>()
  readonly findings: string[] = []
  readonly notes: string[] = []

  constructor(seed: number, name: string, seconds: number) {
    this.random = randomOf(seed, name)
    this.seconds = seconds
  }

  tried(what: string, count = 1): void {
    this.#tried.set(what, (this.#tried.get(what) ?? 0) + count)
  }

  /** Something that must not be. */
  found(what: string): void {
    this.findings.push(what)
  }

  /** Something that may be, and is worth knowing. */
  note(what: string): void {
    this.notes.push(what)
  }

  /** A whole number below `bound`. */
  below(bound: number): number {
    return Math.floor(this.random() * bound)
  }

  oneOf<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  get summary(): string {
    return Array.from(this.#tried, ([what, count]) => `${count} ${what}`).join(", ")
  }
}

/** The same seed makes the same choices, in each attack others, whichever else are run. */
function randomOf(seed: number, name: string): Random {
  let state = [...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), seed)
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Bytes as a text that shows them all, cut. */
export function shown(bytes: string): string {
  const text = JSON.stringify(bytes)
  return text.length > 300 ? `${text.slice(0, 300)}… (${bytes.length} bytes)` : text
}
