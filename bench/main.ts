/** Runs benches by name, or all of them: prints a table for each and keeps every round as JSON. */
import { parseArgs } from "node:util"
import { autoscale } from "./autoscale.ts"
import { balancer } from "./balancer.ts"
import { calibrateSpin } from "./calibrate.ts"
import { chosen, complain, readCommandLine } from "./command-line.ts"
import { connections } from "./connections.ts"
import { demand } from "./demand.ts"
import { document } from "./document.ts"
import { empty } from "./empty.ts"
import { fastapi } from "./fastapi.ts"
import { floodsBench } from "./floods.ts"
import { goodput } from "./goodput.ts"
import { killAll, run } from "./harness.ts"
import { hostile } from "./hostile.ts"
import { isolation } from "./isolation.ts"
import { load, loadScenario } from "./load.ts"
import { loadMemory } from "./load-memory.ts"
import { loadPace } from "./load-pace.ts"
import { loadStall } from "./load-stall.ts"
import { overload } from "./overload.ts"
import { pool } from "./pool.ts"
import { type Bench, machine, type Options, toMarkdown } from "./report.ts"
import { responsiveness } from "./responsiveness.ts"
import { keep } from "./results.ts"
import { start } from "./start.ts"
import { step } from "./step.ts"

const usage = `npm run bench runs all benches, npm run bench -- NAME … those named. Each prints a table and
writes bench/results/NAME.json. Linux only; give it the machine for itself.

  --rounds N    how often everything is measured, in turn (1 to 100, default 5)
  --seconds N   how long each measurement lasts (1 to 600, default 10)
  --no-build    measure dist/ as it is
  --document    put the tables into docs/benchmarks.md
  --help        print this
`

const benches: readonly Bench[] = [
  responsiveness,
  hostile,
  floodsBench,
  overload,
  goodput,
  pool,
  isolation,
  empty,
  start,
  fastapi,
  connections,
  demand,
  autoscale,
  balancer,
  step,
  load,
  loadScenario,
  loadStall,
  loadPace,
  loadMemory,
]

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    killAll()
    process.exit(130)
  })
}
process.exitCode = await runBenches()

async function runBenches(): Promise<number> {
  const read = readCommandLine(parse, usage, benches)
  if (typeof read === "number") return read
  const { values, positionals } = read
  const rounds = Number(values.rounds)
  const seconds = Number(values.seconds)
  if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 100)) {
    return complain(`--rounds is ${values.rounds}; it must be a whole number from 1 to 100.`)
  }
  if (!(seconds >= 1 && seconds <= 600)) {
    return complain(`--seconds is ${values.seconds}; it must be a number from 1 to 600.`)
  }
  if (values.build) await run("npm", ["run", "build"])

  const spinIterations = await calibrateSpin(20)
  const options: Options = { rounds, durationMs: seconds * 1000, spinIterations }
  process.stdout.write(`${machine()}; ${rounds} rounds of ${seconds} s, median (min–max)\n`)
  for (const bench of chosen(positionals, benches)) {
    const text = await runOne(bench, options)
    if (values.document) {
      const how = `${machine()}; ${rounds} rounds of ${seconds} s, median (min–max).`
      document(bench.name, how, text)
    }
  }
  return 0
}

function parse() {
  return parseArgs({
    allowPositionals: true,
    allowNegative: true,
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "10" },
      build: { type: "boolean", default: true },
      document: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  })
}

/** What was found, as Markdown. */
async function runOne(bench: Bench, options: Options): Promise<string> {
  process.stdout.write(`\n## ${bench.name}: ${bench.question}\n`)
  const outcome = await bench.run(options)
  const text = toMarkdown(outcome)
  process.stdout.write(`${text}\n`)
  keep(bench, options, outcome)
  return text
}
