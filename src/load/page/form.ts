/** What the page's forms send, checked: it comes over a socket, and may be anything. */
import type { Offer } from "../config.ts"
import { LoadError } from "../error.ts"
import { parseDurationMs } from "../pace/duration.ts"
import type { Form } from "./events.ts"

/** @throws {LoadError} naming the field that is wrong. */
export function readForm(sent: unknown): Form {
  const { target } = (sent ?? {}) as Readonly<Record<string, unknown>>
  if (typeof target !== "string") throw new LoadError("The host is missing.")
  return { target, ...readOffer(sent) }
}

/** @throws {LoadError} as {@link readForm}. */
export function readOffer(sent: unknown): Offer {
  const fields = (sent ?? {}) as Readonly<Record<string, unknown>>
  const number = (name: string): number | undefined => {
    const value = fields[name]
    if (value === undefined || typeof value === "number") return value
    throw new LoadError(`${name} is ${JSON.stringify(value)}; it must be a number.`)
  }
  const text = (name: string): string | undefined => {
    const value = fields[name]
    if (value === undefined || typeof value === "string") return value
    throw new LoadError(`${name} is ${JSON.stringify(value)}; it must be a text.`)
  }
  const runTime = text("runTime")
  const runTimeMs = runTime === undefined ? undefined : parseDurationMs(runTime)
  if (runTime !== undefined && runTimeMs === undefined) {
    throw new LoadError(`The run time "${runTime}" is no duration. Examples: 30s, 5m, 1h30m.`)
  }
  const offer = {
    users: number("users"),
    spawnRate: number("spawnRate"),
    rate: number("rate"),
    stages: text("stages"),
    // What it may be is checked with the rest of the load.
    arrivals: text("arrivals") as Offer["arrivals"],
    runTimeMs,
  }
  return Object.fromEntries(
    Object.entries(offer).filter(([, value]) => value !== undefined),
  ) as Offer
}
