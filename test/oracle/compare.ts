/**
 * Compares the decision with Kubernetes' own, over fresh random cases: `npm run test:oracle`. It
 * takes the oracle; where there is none, the fixtures of test/autoscale have to do.
 */
import { randomInt } from "node:crypto"
import { parseArgs } from "node:util"
import { answerController, answerReplicas } from "./answers.ts"
import { differences } from "./differences.ts"
import { isOdd, type Kind, kinds, Oracle, questionOf } from "./oracle.ts"

const usage = `Compares the autoscaler's decision with Kubernetes' own on fresh random cases.
HPA_ORACLE says where the oracle is; without it, nothing is compared.

  --replicas N    cases of one metric at one moment (default 200000)
  --controller N  cases of a series of syncs (default 2000)
  --follow N      cases with a modelled cluster (default 2000)
  --odd N         of each kind, what the oracle's own generator leaves out (default 10000)
  --seed N        the same seed, the same cases (default: by chance, printed)
  --show N        how many differences to print (default 10)
  --help          print this
`

process.exitCode = await main()

async function main(): Promise<number> {
  let values: ReturnType<typeof parse>
  try {
    values = parse()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    return 2
  }
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const program = process.env.HPA_ORACLE
  if (program === undefined || program === "") {
    process.stdout.write("HPA_ORACLE is not set, so nothing was compared.\n")
    return 0
  }
  const oracle = new Oracle(program)
  const seed = Number(values.seed ?? randomInt(2 ** 48 - 1))
  let found = 0
  for (const kind of kinds) {
    const count = Number(values[isOdd(kind) ? "odd" : kind])
    found += await compare(oracle, kind, seed, count, Number(values.show))
  }
  return found === 0 ? 0 : 1
}

function parse() {
  const { values } = parseArgs({
    options: {
      replicas: { type: "string", default: "200000" },
      controller: { type: "string", default: "2000" },
      follow: { type: "string", default: "2000" },
      odd: { type: "string", default: "10000" },
      seed: { type: "string" },
      show: { type: "string", default: "10" },
      help: { type: "boolean", default: false },
    },
  })
  for (const name of ["replicas", "controller", "follow", "odd", "seed", "show"] as const) {
    const value = values[name]
    if (value === undefined || /^\d{1,15}$/.test(value)) continue
    throw new Error(`--${name} is ${value}; it must be a whole number, 0 or more.`)
  }
  return values
}

/** How many cases differ. */
async function compare(
  oracle: Oracle,
  kind: Kind,
  seed: number,
  count: number,
  shownMax: number,
): Promise<number> {
  let [compared, syncs, found] = [0, 0, 0]
  for await (const { asked, answer } of oracle.ask(kind, seed, count)) {
    const question = JSON.parse(asked)
    const theirs = JSON.parse(answer)
    const ours =
      questionOf(kind) === "replicas" ? answerReplicas(question) : answerController(question)
    const where = differences(theirs, ours)
    compared += 1
    syncs += theirs.syncs?.length ?? 0
    if (where.length === 0) continue
    found += 1
    if (found <= shownMax) process.stdout.write(toLine(question.id, where))
  }
  const size = syncs > 0 ? ` (${syncs} syncs)` : ""
  process.stdout.write(`${kind}, seed ${seed}: ${compared} cases${size}, ${found} differ\n`)
  return found
}

function toLine(id: string, where: readonly string[]): string {
  const more = where.length > 1 ? ` and ${where.length - 1} more` : ""
  return `${id}${where[0]?.slice(0, 300)}${more}\n`
}
