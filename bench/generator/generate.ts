/** Runs the generator in a process of its own; what only watches, in another one. */
import { fork, spawnSync } from "node:child_process"
import { once } from "node:events"
import type { Message, Plan, Report } from "./plan.ts"

export interface Hooks {
  /** The measured time begins, ends: the time to read the target's counters. */
  readonly begin?: () => void
  readonly end?: () => void
}

/** @throws {Error} when a generator fails, or takes longer than its plan allows. */
export async function generate(plan: Plan, hooks: Hooks = {}): Promise<Report> {
  const { watchers = [] } = plan
  if (watchers.length === 0) return await runGenerator(plan, hooks)
  const [load, watch] = await Promise.all([
    runGenerator(plan, hooks),
    runGenerator({ ...plan, streams: watchers }, {}, beforeAllOthers()),
  ])
  return {
    streams: { ...load.streams, ...watch.streams },
    generatorCores: load.generatorCores + watch.generatorCores,
  }
}

async function runGenerator(
  plan: Plan,
  hooks: Hooks,
  runBy: readonly string[] = [],
): Promise<Report> {
  const patienceMs = Math.max(...plan.streams.map((stream) => stream.timeoutMs))
  const [execPath, ...execArgv] = [...runBy, process.execPath]
  const child = fork(new URL("./main.ts", import.meta.url), [], {
    execPath,
    execArgv,
    timeout: plan.warmupMs + plan.durationMs + patienceMs + 15_000,
    killSignal: "SIGKILL",
  })
  let report: Report | undefined
  child.on("message", (message: Message) => {
    if (message.kind === "begin") hooks.begin?.()
    else if (message.kind === "end") hooks.end?.()
    else report = message.report
  })
  child.send({ ...plan, watchers: [] } satisfies Plan)
  const [code, signal] = await once(child, "exit")
  if (report === undefined) {
    throw new Error(`The load generator ended (${signal ?? code}) without a report.`)
  }
  return report
}

/**
 * What runs a command at real-time priority, if we may: Linux, and root. A client that watches is
 * elsewhere in truth, and the time that it waits here for a core is none of the server's.
 */
function beforeAllOthers(): readonly string[] {
  const chrt = ["chrt", "--fifo", "1"]
  const [command = "", ...args] = [...chrt, "true"]
  return spawnSync(command, args).status === 0 ? chrt : []
}
