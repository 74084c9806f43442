/**
 * Writes the fixtures of test/autoscale anew: `HPA_ORACLE=… node test/oracle/fixtures.ts`. Short
 * series only, so that many of them fit; the long ones are for `npm run test:oracle`.
 */
import { writeFixture } from "./fixture-files.ts"
import { type AnsweredCase, type Kind, Oracle } from "./oracle.ts"

const seed = 1
const syncsMax = 60
const counts: Readonly<Record<Kind, number>> = {
  replicas: 3000,
  controller: 150,
  follow: 300,
  oddReplicas: 500,
  oddController: 300,
  oddFollow: 150,
}

const program = process.env.HPA_ORACLE
if (program === undefined) throw new Error("HPA_ORACLE is not set; it says where the oracle is.")
const oracle = new Oracle(program)
for (const [kind, count] of Object.entries(counts) as [Kind, number][]) {
  const cases = await shortOnes(kind, count)
  const bytes = writeFixture(kind, cases)
  process.stdout.write(`${kind}: ${cases.length} cases, ${bytes} bytes\n`)
}

async function shortOnes(kind: Kind, count: number): Promise<readonly AnsweredCase[]> {
  const cases: AnsweredCase[] = []
  for await (const it of oracle.ask(kind, seed, 5 * count)) {
    if (cases.length === count) break
    if ((JSON.parse(it.answer).syncs?.length ?? 0) <= syncsMax) cases.push(it)
  }
  return cases
}
