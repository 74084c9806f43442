/**
 * Times one call after another that does nothing but come and go, through a pool of one worker, be
 * it a thread or a process: from asking on the main thread to the answer there.
 *
 * Its own process, so that nobody's workers are in anybody's way. Arguments: what the worker is, and
 * how many bytes go there and come back, 0 for an empty call. Prints as JSON the percentiles in
 * microseconds, how long the worker took to be ready, and what memory it has, and ends.
 */
import { readFileSync } from "node:fs"
import type { Isolation } from "../src/service/operation.ts"
import { latency } from "./generator/plan.ts"
import { replyOf, startPool, timesUs } from "./one-by-one.ts"

const [isolation, size] = process.argv.slice(2)
const bytesMax = Number(size)
const [callsToWarmUp, calls] = bytesMax > 0 ? [200, 500] : [2000, 5000]

const emptyMiB = ownMiB()
const beganAtMs = performance.now()
const pool = await startPool({
  operations: ["empty", "back"],
  size: 1,
  spares: 0,
  isolation: isolation as Isolation,
})
const startMs = performance.now() - beganAtMs
const memoryMiB = ownMiB() + childrenMiB() - emptyMiB

const call = bytesMax > 0 ? thereAndBack : () => replyOf(pool, "empty")
/** What goes there: what has come back the last time, which nobody else has. */
let bytes = new Uint8Array(bytesMax)
await timesUs(call, callsToWarmUp)
const { mean, p50, p99 } = latency(await timesUs(call, calls))
await pool.close(1000)
process.stdout.write(JSON.stringify({ mean, p50, p99, startMs, memoryMiB }))

async function thereAndBack(): Promise<void> {
  const reply = await replyOf(pool, "back", bytes)
  if (reply.kind === "bytes") bytes = reply.bytes
}

function ownMiB(): number {
  return privateMiB("self")
}

function childrenMiB(): number {
  const ids = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").match(/\d+/g) ?? []
  return ids.reduce((sum, id) => sum + privateMiB(id), 0)
}

/** What of a process's memory is its own: Node's program, which they share, is there once. */
function privateMiB(id: string): number {
  const rollup = readFileSync(`/proc/${id}/smaps_rollup`, "utf8")
  const kiB = Array.from(rollup.matchAll(/^Private_\w+:\s+(\d+) kB$/gm), ([, found]) => found)
  return kiB.reduce((sum, found) => sum + Number(found), 0) / 1024
}
