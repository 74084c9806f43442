/** Runs the generator in a process of its own. */
import { fork } from "node:child_process"
import { once } from "node:events"
import type { Message, Plan, Report } from "./plan.ts"

export interface Hooks {
  /** The measured time begins, ends: the time to read the target's counters. */
  readonly begin?: () => void
  readonly end?: () => void
}

/** @throws {Error} when the generator fails, or takes longer than its plan allows. */
export async function generate(plan: Plan, hooks: Hooks = {}): Promise<Report> {
  const patienceMs = Math.max(...plan.streams.map((stream) => stream.timeoutMs))
  const child = fork(new URL("./main.ts", import.meta.url), [], {
    execArgv: [],
    timeout: plan.warmupMs + plan.durationMs + patienceMs + 15_000,
    killSignal: "SIGKILL",
  })
  let report: Report | undefined
  child.on("message", (message: Message) => {
    if (message.kind === "begin") hooks.begin?.()
    else if (message.kind === "end") hooks.end?.()
    else report = message.report
  })
  child.send(plan)
  const [code, signal] = await once(child, "exit")
  if (report === undefined) {
    throw new Error(`The load generator ended (${signal ?? code}) without a report.`)
  }
  return report
}
