/** The flooding process: gets one plan, and floods until whoever started it ends it. */
import { type FloodedAt, floods, RunningFlood } from "./floods.ts"

export interface FloodPlan extends FloodedAt {
  /** One of `floods`. */
  readonly name: string
  readonly connections: number
}

/** Between two turns of what is done again and again. */
const turnsMs = 20

process.once("message", (plan) => begin(plan as FloodPlan))
process.once("disconnect", () => process.exit())

function begin({ name, connections, ...at }: FloodPlan): void {
  const flood = floods.find((flood) => flood.name === name)
  if (flood === undefined) throw new Error(`There is no flood "${name}".`)
  const running = new RunningFlood(flood, connections, at)
  setInterval(() => running.turn(), turnsMs)
}
