/**
 * How much memory a worker of each service takes, as tables of the documentation have it: what the
 * whole process holds with five workers against one, each of which has answered the service's
 * calls. Arguments are the modules to measure instead of all.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { childrenOf, eventually, TemporaryFolder } from "../support/cli.ts"
import { read, root } from "../support/repository.ts"
import { type Call, callsOf, send, serving } from "./documented.ts"
import { inWorkspace, recipes, writeProject } from "./recipe.ts"

const few = 1
const many = 5
/** For each worker, so that all of them have had some. */
const rounds = 4

/** What a process holds in memory with those that it has started, in MiB. Linux only. */
function residentMiB(pid: number): number {
  const [, kilobytes] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  const below = childrenOf(pid).map(residentMiB)
  return Number(kilobytes) / 1_024 + below.reduce((sum, each) => sum + each, 0)
}

/** Workers of an operation's own are as many as it says, and here that is said in its file. */
function withOwnWorkers(file: string, count: number): void {
  const text = readFileSync(file, "utf8")
  const counted = text.replace(/ownWorkers: \{( count: \d+,)?/, `ownWorkers: { count: ${count},`)
  if (counted !== text) writeFileSync(file, counted)
}

async function measure(
  module: string,
  folder: string,
  calls: readonly Call[],
  workers: number,
): Promise<number> {
  withOwnWorkers(join(folder, module), workers)
  const flags = ["--workers", `${workers}`, "--spare-workers", "0", "--deadline-ms", "600000"]
  await using server = serving(module, folder, flags)
  const { url, managementUrl } = await server.served()
  await eventually(async () => {
    const metrics = await (await fetch(`${managementUrl}/metrics`)).text()
    return metrics.includes(`capstan_workers{state="idle"} ${workers}`) || undefined
  }, `${workers} workers`)
  for (let round = 0; round < rounds; round++) {
    await Promise.all(
      Array.from({ length: workers }, async () => {
        for (const { script } of calls) await send(script, url, folder, false)
      }),
    )
  }
  return residentMiB(server.child.pid!)
}

/** Prints what the process takes with one worker, and what each further one adds. */
async function print(module: string, folder: string, calls: readonly Call[]): Promise<void> {
  const one = await measure(module, folder, calls, few)
  const all = await measure(module, folder, calls, many)
  const each = (all - one) / (many - few)
  console.log(`| ${module} | ${one.toFixed(0)} MiB | ${each.toFixed(0)} MiB |`)
}

console.log("| service | one worker | each further |\n| --- | --- | --- |")
const asked = process.argv.slice(2)
const isAsked = (module: string) => asked.length === 0 || asked.includes(module)
const example = callsOf(read("examples/inference/README.md"))
if (isAsked("service.ts")) await print("service.ts", `${root}examples/inference`, example)
using folder = new TemporaryFolder()
writeProject(folder.path)
for (const { module, calls } of recipes) {
  if (!inWorkspace(module) && isAsked(module)) await print(module, folder.path, calls)
}
