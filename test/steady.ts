/**
 * `npm run test:steady`: all tests, again and again, with every core kept busy by another program and
 * with the machine for themselves. A test that fails in one of twenty runs is a mistake in the test or
 * in what it tests; this finds it, and says how long the runs took.
 *
 * `--runs 5` of each kind instead of 20, `--only busy` or `--only quiet`: parts, where twenty take too
 * long at once. Arguments are the files to run instead of all.
 */
import { type ChildProcess, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { createWriteStream, mkdtempSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import type { SuiteResult } from "./main.ts"
import { root } from "./support/repository.ts"

const kinds = ["busy", "quiet"] as const
type Kind = (typeof kinds)[number]

interface TimedRun extends SuiteResult {
  readonly kind: Kind
  readonly tookS: number
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: "string", default: "20" }, only: { type: "string" } },
})
const runs = Number(values.runs)
if (!Number.isInteger(runs) || runs < 1) {
  throw new Error(`--runs is ${values.runs}: it has to be a whole number of at least 1.`)
}
const wanted = kinds.filter((kind) => values.only === undefined || values.only === kind)
if (wanted.length === 0) throw new Error(`--only is ${values.only}: it is ${kinds.join(" or ")}.`)

/** What each run printed is kept here, for whoever looks for the reason of a failure. */
const folder = mkdtempSync(join(tmpdir(), "capstan-steady-"))
console.log(`What each run prints is in ${folder}.`)
const done: TimedRun[] = []
for (const kind of wanted) {
  for (let count = 1; count <= runs; count++) {
    const ended = await timedRun(kind, join(folder, `${kind}-${count}.log`))
    done.push(ended)
    const { failed, passed, tookS } = ended
    console.log(
      `${kind} ${count} of ${runs}: ${passed} passed, ${failed.length} failed, ${tookS} s`,
    )
    for (const name of failed) console.log(`  failed: ${name}`)
  }
}
for (const kind of wanted) {
  const these = done.filter((each) => each.kind === kind)
  const times = these.map(({ tookS }) => tookS).toSorted((a, b) => a - b)
  const good = these.filter(({ failed }) => failed.length === 0).length
  const median = times[Math.floor(times.length / 2)]
  console.log(
    `${kind}: ${good} of ${runs} passed; a run took ${median} s (${times[0]} to ${times.at(-1)})`,
  )
}
if (done.some(({ failed }) => failed.length > 0)) process.exitCode = 1

async function timedRun(kind: Kind, logFile: string): Promise<TimedRun> {
  const burners = kind === "busy" ? Array.from({ length: availableParallelism() }, burner) : []
  try {
    const startedAtMs = performance.now()
    const suite = fork(`${root}test/main.ts`, positionals, {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    })
    const log = createWriteStream(logFile)
    suite.stdout?.pipe(log, { end: false })
    suite.stderr?.pipe(log, { end: false })
    let result: SuiteResult | undefined
    suite.on("message", (message) => {
      result = message as SuiteResult
    })
    const [code, signal] = await once(suite, "close")
    log.end()
    const tookS = Math.round((performance.now() - startedAtMs) / 1000)
    result ??= { passed: 0, failed: [] }
    // It may have failed without any of its tests having done so.
    const failed =
      code === 0 || result.failed.length > 0 ? result.failed : [`it ended with ${signal ?? code}`]
    return { ...result, failed, kind, tookS }
  } finally {
    for (const process of burners) process.kill("SIGKILL")
    await Promise.all(burners.map((process) => process.exitCode ?? once(process, "close")))
  }
}

/** A program that takes all of a core, and ends with whoever started it, even if that is killed. */
function burner(): ChildProcess {
  const source = `
    process.on("disconnect", () => process.exit())
    const burn = () => {
      for (const untilMs = performance.now() + 200; performance.now() < untilMs; );
      setImmediate(burn)
    }
    burn()`
  return spawn(process.execPath, ["--eval", source], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  })
}
