/** Changes by chance, of messages of HTTP as latin1. */
import type { Trial } from "./attack.ts"

/** What makes a difference to whoever reads HTTP. */
const common = [
  ..."\r\n\0\t :;,\x0b\x7f\xa0\xff",
  ...["\r\n", "\n\r", "\r\n\r\n", "\r\r\n", "0\r\n\r\n", "chunked", "identity", "close"],
]

/** @param more of what is put in, beside what makes a difference to everybody. */
export function mutated(bytes: string, more: readonly string[], trial: Trial): string {
  const morsel = (): string => trial.oneOf(trial.below(2) === 0 ? common : more)
  let made = bytes
  for (let count = 1 + trial.below(4); count > 0; count--) {
    const at = trial.below(made.length + 1)
    const length = trial.below(8)
    const before = made.slice(0, at)
    switch (trial.below(5)) {
      case 0:
        made = before + made.slice(at + 1 + length)
        break
      case 1:
        made = before + morsel() + made.slice(at)
        break
      case 2:
        made = before + morsel() + made.slice(at + length)
        break
      case 3:
        made = before + made.slice(at, at + 40) + made.slice(at)
        break
      default:
        made = before + String.fromCharCode(trial.below(256)) + made.slice(at + 1)
    }
  }
  return made === "" ? "\r\n" : made
}

/** In up to three pieces, which come one after the other. */
export function cut(bytes: string, trial: Trial): readonly string[] {
  const places = [trial.below(bytes.length), trial.below(bytes.length)].toSorted((a, b) => a - b)
  const [first = 0, second = 0] = places
  return [bytes.slice(0, first), bytes.slice(first, second), bytes.slice(second)].filter(
    (piece) => piece !== "",
  )
}
