/** Runs benches by name, or all of them: prints a table for each and keeps every round as JSON. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { autoscale } from "./autoscale.ts"
import { balancer } from "./balancer.ts"
import { calibrateSpin } from "./calibrate.ts"
import { connections } from "./connections.ts"
import { demand } from "./demand.ts"
import { empty } from "./empty.ts"
import { fastapi } from "./fastapi.ts"
import { goodput } from "./goodput.ts"
import { killAll, root, run } from "./harness.ts"
import { load, loadScenario } from "./load.ts"
import { loadMemory } from "./load-memory.ts"
import { loadPace } from "./load-pace.ts"
import { loadStall } from "./load-stall.ts"
import { overload } from "./overload.ts"
import { pool } from "./pool.ts"
import { type Bench, machine, type Options, toJson, toLine, toMarkdown } from "./report.ts"
import { responsiveness } from "./responsiveness.ts"
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
  overload,
  goodput,
  pool,
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
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse()
  } catch (error) {
    return complain(error instanceof Error ? error.message : String(error))
  }
  const { values, positionals } = parsed
  if (values.help) {
    const list = benches.map(({ name, question }) => `  ${name.padEnd(16)}${question}\n`)
    process.stdout.write(`${usage}\n${list.join("")}`)
    return 0
  }
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name))
  const rounds = Number(values.rounds)
  const seconds = Number(values.seconds)
  if (unknown.length > 0) {
    return complain(
      `There is no bench "${unknown[0]}"; there are ${benches.map(({ name }) => name).join(", ")}.`,
    )
  }
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
  for (const bench of benches) {
    if (positionals.length > 0 && !positionals.includes(bench.name)) continue
    const text = await runOne(bench, options)
    if (values.document) document(bench.name, options, text)
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
  const { requirements = [], notes = [] } = outcome
  const lines = [...requirements.map(toLine), ...notes].map((line) => `- ${line}`)
  const text = [toMarkdown(outcome), "", ...lines].join("\n")
  process.stdout.write(`${text}\n`)
  const results = join(root, "bench/results")
  mkdirSync(results, { recursive: true })
  writeFileSync(join(results, `${bench.name}.json`), toJson(bench, options, outcome))
  return text
}

/** Between the marks that the document has for this bench. */
function document(name: string, { rounds, durationMs }: Options, text: string): void {
  const path = join(root, "docs/benchmarks.md")
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`]
  const whole = readFileSync(path, "utf8")
  const [from, to] = [whole.indexOf(begin), whole.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no ${begin} … ${end}.`)
  const how = `${machine()}; ${rounds} rounds of ${durationMs / 1000} s, median (min–max).`
  const parts = [whole.slice(0, from), begin, "\n", how, "\n\n", text, "\n", whole.slice(to)]
  writeFileSync(path, parts.join(""))
}

function complain(message: string): number {
  process.stderr.write(`${message}\n`)
  return 2
}
