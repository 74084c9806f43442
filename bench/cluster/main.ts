/**
 * Runs the benches that need a cluster, by name or all of them, on the one that the kubeconfig's
 * current context names: a table for each, every figure as JSON, and the surge as a picture.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { chosen, complain, readCommandLine } from "../command-line.ts"
import { document } from "../document.ts"
import { killAll, root } from "../harness.ts"
import { type Figures, machine, type Outcome, toMarkdown } from "../report.ts"
import { keep, resultPath } from "../results.ts"
import type { ClusterBench } from "./bench.ts"
import { chart } from "./chart.ts"
import { deploying } from "./deploys.ts"
import { killing } from "./kill.ts"
import { Place, size } from "./place.ts"
import { rolling } from "./rollouts.ts"
import { spread } from "./spread.ts"
import { surge } from "./surge.ts"
import type { Timeline } from "./timeline.ts"

const usage = `npm run bench:cluster runs all of these on the cluster of the kubeconfig's current context,
npm run bench:cluster -- NAME … those named. Each prints a table and writes
bench/results/NAME.json. It works in namespaces that it makes and deletes, and refuses a context
that looks like production. TEST_REGISTRY names a registry that both this machine and the nodes
reach; TEST_BUILDER, TEST_CONTEXT as for npm run test:cluster. Give it the machine for itself.

  --seconds N   how long the surge lasts (60 to 600, default 220)
  --document    put the tables into docs/benchmarks.md, and the surge's picture into docs/images
  --stored      measure nothing: do that with what bench/results has from before
  --help        print this
`

/** The first one first: later ones find the base's layers on the node. */
const benches: readonly ClusterBench[] = [deploying, surge, spread, rolling, killing]

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    killAll()
    void Place.abandon().finally(() => process.exit(130))
  })
}
process.exitCode = await runBenches()

async function runBenches(): Promise<number> {
  const read = readCommandLine(parse, usage, benches)
  if (typeof read === "number") return read
  const { values, positionals } = read
  const seconds = Number(values.seconds)
  if (!(seconds >= 60 && seconds <= 600)) {
    return complain(`--seconds is ${values.seconds}; it must be a number from 60 to 600.`)
  }

  for (const bench of chosen(positionals, benches)) {
    const found = values.stored ? stored(bench) : await measured(bench, seconds)
    const text = toMarkdown(found)
    process.stdout.write(`\n## ${bench.name}: ${bench.question}\n${text}\n`)
    if (values.document || values.stored) {
      document(bench.name, `${found.machine}; a cluster of one node on the same cores.`, text)
      if (bench === surge) draw(found)
    }
  }
  return 0
}

function parse() {
  return parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: "string", default: "220" },
      document: { type: "boolean", default: false },
      stored: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  })
}

/** An outcome, and where it came to be. */
type Found = Outcome & { readonly machine: string }

async function measured(bench: ClusterBench, seconds: number): Promise<Found> {
  process.stderr.write(`${bench.name}\n`)
  const outcome = await bench.run({ seconds })
  keep(bench, { seconds }, outcome)
  return { ...outcome, machine: machine() }
}

/** As it was kept. */
function stored(bench: ClusterBench): Found {
  const { rows, ...rest } = JSON.parse(readFileSync(resultPath(bench.name), "utf8")) as Omit<
    Found,
    "rows"
  > & {
    readonly rows: readonly { readonly title: string; readonly rounds: readonly Figures[] }[]
  }
  return { ...rest, rows: new Map(rows.map(({ title, rounds }) => [title, rounds])) }
}

function draw({ details }: Found): void {
  const { timelines } = details as { readonly timelines: readonly Timeline[] }
  const picture = chart("The surge: replicas and response times", timelines, {
    replicasMax: size.maxReplicas,
    objectiveMs: 1000,
  })
  writeFileSync(join(root, "docs/images/surge.svg"), picture)
}
