/** Who gets which row of a scenario's data, in one thread of one run. */

import type { Share } from "../pace/pacer.ts"
import type { Rows } from "./data.ts"
import type { RunUser } from "./user.ts"

export class Handout {
  readonly #taken = new Map<Rows<unknown>, number>()

  /** @throws {RangeError} when each user has its own, and there are none left. */
  next<Row>(given: Rows<Row>, user: RunUser, share: Share): Row {
    const { rows, pick, name } = given
    switch (pick) {
      case "in-turn": {
        const taken = this.#taken.get(given) ?? 0
        this.#taken.set(given, taken + 1)
        // Each thread takes every n-th turn: together they take them all, and none twice.
        return rows[(share.number + share.of * taken) % rows.length]!
      }
      case "random":
        return rows[Math.floor(user.random() * rows.length)]!
      case "one-per-user":
        if (user.number < rows.length) return rows[user.number]!
        throw new RangeError(`${name} has ${rows.length} rows, and there are more users than that`)
      default:
        return pick satisfies never
    }
  }
}
