/**
 * Times one call after another that does nothing but come and go, through a pool of one worker, be it a
 * thread or a process: from asking on the main thread to the answer there.
 *
 * Its own process, so that nobody's workers are in anybody's way. Arguments: what the worker is, and how
 * many bytes go there and come back, 0 for an empty call. Prints as JSON the percentiles in
 * microseconds, how long the worker took to be ready, and what memory it has, and ends.
 */
import { readFileSync } from "node:fs"
import type { Isolation } from "../src/service/operation.ts"
import type { Call } from "../src/service/outcome.ts"
import { Pool } from "../src/service/pool/pool.ts"
import { latency } from "./generator/plan.ts"
import service from "./service.ts"

const [isolation, size] = process.argv.slice(2)
const bytesMax = Number(size)
const name = bytesMax > 0 ? "back" : "empty"
const [callsToWarmUp, calls] = bytesMax > 0 ? [200, 500] : [2000, 5000]

const emptyMiB = ownMiB()
const beganAtMs = performance.now()
const pool = new Pool(
  {
    moduleUrl: new URL("./service.ts", import.meta.url).href,
    operations: ["empty", "back"],
    size: 1,
    spares: 0,
    nice: 10,
    memoryMiB: 4096,
    memoryLookMs: 100,
    isolation: isolation as Isolation,
    setupTimeoutMs: 60_000,
    cancelGraceMs: 250,
  },
  { used: () => {} },
)
await pool.started()
const startMs = performance.now() - beganAtMs
const memoryMiB = ownMiB() + childrenMiB() - emptyMiB

/** What goes there: what has come back the last time, which nobody else has. */
let bytes = new Uint8Array(bytesMax)
for (let i = 0; i < callsToWarmUp; i++) await call()
const tookUs: number[] = []
for (let i = 0; i < calls; i++) {
  const askedAtMs = performance.now()
  await call()
  tookUs.push(1000 * (performance.now() - askedAtMs))
}
await pool.close(1000)
const { mean, p50, p99 } = latency(tookUs)
process.stdout.write(JSON.stringify({ mean, p50, p99, startMs, memoryMiB }))

async function call(): Promise<void> {
  const nowMs = performance.now()
  const body = bytesMax > 0 ? { mediaType: "application/octet-stream", bytes } : undefined
  const given: Call = {
    name,
    operation: service.operations.get(name)!,
    input: { path: undefined, query: undefined, headers: undefined, body },
    transfer: bytesMax > 0 ? [bytes.buffer] : [],
    requestId: "bench",
    tryId: "bench",
    arrivedAtMs: nowMs,
    deadlineAtMs: nowMs + 30_000,
    encoding: undefined,
  }
  const estimate = { ms: undefined, medianMs: undefined, foretoldMs: undefined }
  const outcome = await pool.submit(given, estimate).outcome
  if (outcome.kind !== "done") throw new Error(`The call came to: ${outcome.kind}.`)
  if (outcome.reply.kind === "bytes") bytes = outcome.reply.bytes
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
