/** Runs the generator in a process of its own; what only watches, in another one. */
import { fork, spawnSync } from "node:child_process"
import { once } from "node:events"
import type { Message, Plan, Report } from "./plan.ts"

export interface Hooks {
  /** The measured time begins, ends: the time to read the target's counters. */
  readonly begin?: () => void
  readonly end?: () => void
}

/**
 * What runs a command at real-time priority, if we may: Linux, and root. A client that watches is
 * elsewhere in truth, and the time that it waits here for a core is none of the server's.
 */
const first = ["--fifo", "1"]
export const mayRunFirst = spawnSync("chrt", [...first, "true"]).status === 0

/** Says in a table's notes which of both it was. @param client what it does: "probes". */
export function priorityNote(client: string): string {
  return mayRunFirst
    ? `The client that ${client} ran before all else (\`chrt\`).`
    : `The client that ${client} ran at the common priority (\`chrt\` could not be had): what it waited for a core is in the figures.`
}

/** Starting and ending it takes no more, however slow and busy the machine is. */
const startMsMax = 120_000

/** @throws {Error} when a generator fails, or takes longer than its plan allows. Neither is left then. */
export async function generate(plan: Plan, hooks: Hooks = {}): Promise<Report> {
  const { watchers = [] } = plan
  const stop = new AbortController()
  const running = [runGenerator("load", plan, stop.signal, hooks)]
  if (watchers.length > 0) {
    const watching = { ...plan, streams: watchers }
    running.push(
      runGenerator("watching", watching, stop.signal, {}, mayRunFirst ? ["chrt", ...first] : []),
    )
  }
  try {
    const [load, watch] = await Promise.all(running)
    return {
      streams: { ...load!.streams, ...watch?.streams },
      generatorCores: load!.generatorCores + (watch?.generatorCores ?? 0),
    }
  } finally {
    stop.abort()
    await Promise.allSettled(running)
  }
}

async function runGenerator(
  name: string,
  plan: Plan,
  signal: AbortSignal,
  hooks: Hooks,
  runBy: readonly string[] = [],
): Promise<Report> {
  const patienceMs = Math.max(0, ...plan.streams.map((stream) => stream.timeoutMs))
  const [execPath, ...execArgv] = [...runBy, process.execPath]
  const child = fork(new URL("./main.ts", import.meta.url), [], {
    execPath,
    execArgv,
    timeout: plan.warmupMs + plan.durationMs + patienceMs + startMsMax,
    signal,
    killSignal: "SIGKILL",
  })
  let report: Report | undefined
  child.on("message", (message: Message) => {
    if (message.kind === "begin") hooks.begin?.()
    else if (message.kind === "end") hooks.end?.()
    else report = message.report
  })
  child.send({ ...plan, watchers: [] } satisfies Plan)
  // It may have ended before its last message has been read here; the channel ends behind that.
  const [[code, ended]] = await Promise.all([once(child, "exit"), once(child, "disconnect")])
  if (report === undefined) {
    throw new Error(`The ${name} generator ended (${ended ?? code}) without a report.`)
  }
  return report
}
