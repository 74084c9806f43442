/**
 * Times one call after another that does nothing: from asking on the main thread to the answer there.
 *
 * Its own process, so that nobody's threads are in anybody's way. Argument: whose way is timed. Prints
 * the percentiles as JSON, in microseconds, and ends.
 */
import { Worker } from "node:worker_threads"
import { Piscina } from "piscina"
import { latency } from "./generator/plan.ts"
import { replyOf, startPool, timesUs } from "./one-by-one.ts"

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

async function startOurs(): Promise<Callable> {
  const pool = await startPool({ operations: ["empty"], size: threads, spares: 1 })
  return { call: () => replyOf(pool, "empty"), stop: () => pool.close(0) }
}

const ways: Readonly<Record<string, () => Callable | Promise<Callable>>> = {
  postMessage: startEcho,
  piscina: startPiscina,
  capstan: startOurs,
}
const { call, stop } = await ways[process.argv[2] ?? ""]!()
await timesUs(call, callsToWarmUp)
const cpuBefore = process.cpuUsage()
const tookUs = await timesUs(call, calls)
const { user, system } = process.cpuUsage(cpuBefore)
await stop()
const { mean, p50, p99 } = latency(tookUs)
process.stdout.write(JSON.stringify({ mean, p50, p99, cpuUs: (user + system) / calls }))
