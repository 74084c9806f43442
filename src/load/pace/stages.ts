/** Stages as they are typed: `0:10,1m:200,3m:200` in users, `0:10/s,1m:200/s` in requests a second. */

import { LoadError } from "../error.ts"
import { parseDurationMs } from "./duration.ts"
import type { Profile, Stage } from "./profile.ts"
import { parseRate } from "./rate.ts"

export interface Stages {
  readonly of: "users" | "rate"
  readonly profile: Profile
}

/** @throws {LoadError} saying which stage is wrong and how it is written. */
export function parseStages(text: string): Stages {
  const wrong = (why: string): LoadError =>
    new LoadError(
      `The stages "${text}" can't be read: ${why}. They are written TIME:VALUE,…, the first at 0, for example 0:10,1m:200,3m:200 for users or 0:10/s,1m:200/s for requests a second.`,
    )
  const points = text.split(",").map((part) => {
    const [time = "", value = "", more] = part.trim().split(":")
    const atMs = parseDurationMs(time)
    const isRate = value.includes("/")
    const number = isRate
      ? parseRate(value)
      : /^\d+(\.\d+)?$/.test(value)
        ? Number(value)
        : undefined
    if (atMs === undefined || number === undefined || more !== undefined) {
      throw wrong(`"${part.trim()}" is not TIME:VALUE`)
    }
    return { atMs, value: number, isRate }
  })
  const isRate = points[0]!.isRate
  if (points.some((point) => point.isRate !== isRate)) {
    throw wrong("some are users and some are requests a second")
  }
  if (points[0]!.atMs !== 0) throw wrong("the first is not at 0")
  for (const [index, { atMs }] of points.entries()) {
    if (atMs < (points[index - 1]?.atMs ?? 0)) throw wrong("they are not in order of time")
  }
  if (points.length < 2) throw wrong("there is only one; two are needed for a line")
  const [first, ...rest] = points.map(({ atMs, value }): Stage => ({ atMs, value }))
  return { of: isRate ? "rate" : "users", profile: [first!, ...rest] }
}
