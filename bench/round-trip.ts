/**
 * Times one call after another that does nothing: from asking on the main thread to the answer there.
 *
 * Its own process, so that nobody's threads are in anybody's way. Argument: whose way is timed. Prints
 * the percentiles as JSON, in microseconds, and ends.
 */
import { Worker } from "node:worker_threads"
import { Piscina } from "piscina"
import type { Call } from "../src/service/outcome.ts"
import { Pool } from "../src/service/pool/pool.ts"
import { latency } from "./generator/plan.ts"
import service from "./service.ts"

const threads = 2
const callsToWarmUp = 3000
const calls = 10_000

interface Callable {
  readonly call: () => Promise<unknown>
  readonly stop: () => Promise<unknown>
}

/** One worker that sends back what it gets. */
function startEcho(): Callable {
  const worker = new Worker(
    'const { parentPort } = require("node:worker_threads"); parentPort.on("message", (it) => parentPort.postMessage(it))',
    { eval: true },
  )
  let answered: ((value: unknown) => void) | undefined
  worker.on("message", (value) => answered?.(value))
  return {
    call: () =>
      new Promise((resolve) => {
        answered = resolve
        worker.postMessage(undefined)
      }),
    stop: () => worker.terminate(),
  }
}

function startPiscina(): Callable {
  const piscina = new Piscina({
    filename: new URL("./peers/functions.ts", import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  })
  return {
    call: () => piscina.run(undefined, { name: "empty" }),
    stop: () => piscina.destroy(),
  }
}

async function startPool(): Promise<Callable> {
  const operation = service.operations.get("empty")!
  const pool = new Pool(
    {
      moduleUrl: new URL("./service.ts", import.meta.url).href,
      operations: ["empty"],
      size: threads,
      spares: 1,
      nice: 10,
      memoryMiB: 4096,
      memoryLookMs: 100,
      setupTimeoutMs: 60_000,
      cancelGraceMs: 250,
    },
    { used: () => {} },
  )
  await pool.started()
  const estimate = { ms: undefined, medianMs: undefined, foretoldMs: undefined }
  return {
    async call() {
      const nowMs = performance.now()
      const call: Call = {
        name: "empty",
        operation,
        input: { path: undefined, query: undefined, headers: undefined, body: undefined },
        transfer: [],
        requestId: "bench",
        tryId: "bench",
        arrivedAtMs: nowMs,
        deadlineAtMs: nowMs + 30_000,
        encoding: undefined,
      }
      const outcome = await pool.submit(call, estimate).outcome
      if (outcome.kind !== "done") throw new Error(`The empty call came to: ${outcome.kind}.`)
    },
    stop: () => pool.close(0),
  }
}

const ways: Readonly<Record<string, () => Callable | Promise<Callable>>> = {
  postMessage: startEcho,
  piscina: startPiscina,
  capstan: startPool,
}
const { call, stop } = await ways[process.argv[2] ?? ""]!()
for (let i = 0; i < callsToWarmUp; i++) await call()
const tookUs: number[] = []
const cpuBefore = process.cpuUsage()
for (let i = 0; i < calls; i++) {
  const beganAtMs = performance.now()
  await call()
  tookUs.push(1000 * (performance.now() - beganAtMs))
}
const { user, system } = process.cpuUsage(cpuBefore)
await stop()
const { mean, p50, p99 } = latency(tookUs)
process.stdout.write(JSON.stringify({ mean, p50, p99, cpuUs: (user + system) / calls }))
