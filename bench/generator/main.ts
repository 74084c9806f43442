/** The generator's process: gets one plan, carries it out, reports, ends. */
import type { Message, Plan, StreamReport } from "./plan.ts"
import { RunningStream } from "./stream.ts"

process.once("message", (plan) => {
  void carryOut(plan as Plan)
})
// Whoever asked has gone, or has its report.
process.once("disconnect", () => process.exit())

async function carryOut({ seed, warmupMs, durationMs, streams }: Plan): Promise<void> {
  const startMs = performance.now()
  const beginMs = startMs + warmupMs
  const endMs = beginMs + durationMs
  const running = streams.map((stream, index) => ({
    name: stream.name,
    stream: new RunningStream(stream, { startMs, beginMs, endMs }, randomFrom(seed + index)),
  }))
  for (const { stream } of running) stream.start()

  await at(beginMs)
  const before = process.cpuUsage()
  tell({ kind: "begin" })
  await at(endMs)
  const { user, system } = process.cpuUsage(before)
  tell({ kind: "end" })

  const reports: Record<string, StreamReport> = {}
  for (const { name, stream } of running) reports[name] = await stream.finish()
  const generatorCores = (user + system) / 1000 / durationMs
  const report: Message = { kind: "report", report: { streams: reports, generatorCores } }
  process.send?.(report, () => process.disconnect?.())
}

function tell(message: Message): void {
  process.send?.(message)
}

function at(timeMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, timeMs - performance.now())))
}

/** Mulberry32: small, and the same everywhere. In [0, 1). */
function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
