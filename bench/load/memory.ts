/**
 * What a generator holds in memory after so many requests, and after many more. Its own process.
 * Arguments: URL, and the numbers of requests, ascending. Prints as JSON, for each number, the
 * resident memory and the heap behind a collection, in MiB.
 */
import { keepNurserySize } from "../../src/cli/nursery.ts"
import { resolveLoad } from "../../src/load/config.ts"
import { Run } from "../../src/load/run.ts"
import home from "./home.ts"

const [target = "", ...numbers] = process.argv.slice(2)
const wanted = numbers.map(Number)
const found: { requests: number; residentMiB: number; heapMiB: number; failures: number }[] = []

// As the command does.
keepNurserySize()
const run: Run = new Run(resolveLoad({ target, users: 64, spawnRate: 10_000, workers: 1 }), {
  scenario: home,
  onSecond({ total }) {
    if (total.requests < (wanted[found.length] ?? Number.POSITIVE_INFINITY)) return
    globalThis.gc?.()
    const { rss, heapUsed, external } = process.memoryUsage()
    found.push({
      requests: total.requests,
      residentMiB: rss / 2 ** 20,
      heapMiB: (heapUsed + external) / 2 ** 20,
      failures: total.failures,
    })
    if (found.length === wanted.length) void run.stop()
  },
})
await run.done
process.stdout.write(JSON.stringify(found))
