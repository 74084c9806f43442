/**
 * Answers the oracle's cases as the oracle does, so that any seed can be compared by hand:
 *
 *     oracle generate -kind controller -seed 7 -count 500 > cases
 *     oracle controller < cases > theirs
 *     node test/oracle/answer.ts controller < cases > ours
 *
 * `replicas` for cases of the kind replicas, `controller` for those of controller and follow.
 */
import { once } from "node:events"
import { createInterface } from "node:readline"
import { answerController, answerReplicas } from "./answers.ts"

const answers: Readonly<Record<string, (line: string) => unknown>> = {
  replicas: (line) => answerReplicas(JSON.parse(line)),
  controller: (line) => answerController(JSON.parse(line)),
}

const [kind = ""] = process.argv.slice(2)
const answer = answers[kind]
if (answer === undefined) {
  process.stderr.write("usage: node test/oracle/answer.ts replicas|controller < cases.jsonl\n")
  process.exit(2)
}
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "") continue
  if (!process.stdout.write(`${JSON.stringify(answer(line))}\n`)) {
    await once(process.stdout, "drain")
  }
}
