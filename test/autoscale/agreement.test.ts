/**
 * Some thousand random cases with the answers of Kubernetes' own controller. `npm run test:oracle`
 * compares as many fresh ones as anyone likes.
 */
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { test } from "node:test"
import { answerController, answerReplicas } from "../oracle/answers.ts"
import type { ControllerAnswer, ReplicasAnswer } from "../oracle/cases.ts"
import { differences } from "../oracle/differences.ts"
import { readFixture } from "../oracle/fixture-files.ts"
import { type Kind, questionOf } from "../oracle/oracle.ts"
import { untestedEnv } from "../support/clean-env.ts"
import { root } from "../support/repository.ts"

function check(kind: Kind, countMin: number): void {
  const cases = readFixture(kind)
  assert.ok(cases.length >= countMin, `${cases.length} cases`)
  const different = cases.filter(({ asked, answer }) => {
    const question = JSON.parse(asked)
    const ours =
      questionOf(kind) === "replicas" ? answerReplicas(question) : answerController(question)
    const where = differences(JSON.parse(answer), ours)
    if (where.length > 0) process.stderr.write(`${question.id}${where[0]}\n`)
    return where.length > 0
  })
  assert.equal(different.length, 0)
}

test("one metric at one moment: asks for as many replicas as Kubernetes", () => {
  check("replicas", 3000)
  check("oddReplicas", 500)
})

test("series of syncs: decides, says and remembers what Kubernetes does", () => {
  check("controller", 150)
  check("oddController", 300)
})

test("a modelled cluster: the pods come, go and compute as the oracle's do", () => {
  check("follow", 300)
  check("oddFollow", 150)
})

test("a difference is found, wherever it is", () => {
  const [first] = readFixture("controller")
  const theirs: ControllerAnswer = JSON.parse(first!.answer)
  const changed = (change: (text: string) => string): ControllerAnswer =>
    JSON.parse(change(first!.answer))
  assert.deepEqual(differences(theirs, theirs), [])
  for (const change of [
    (text: string) => text.replace('"desiredReplicas":', '"desiredReplicas":1'),
    (text: string) => text.replace('"AbleToScale","True"', '"AbleToScale","False"'),
    (text: string) => text.replace('"ValidMetricFound"', '"ValidMetric"'),
    (text: string) => text.replace("New size: ", "Size: "),
    (text: string) => text.replace('"t":15,', '"t":15,"error":"x",'),
  ]) {
    assert.equal(differences(theirs, changed(change)).length, 1, `${change}`)
  }
  const answer: ReplicasAnswer = { id: "a", replicas: 1, usage: 5 }
  assert.equal(differences(answer, { ...answer, usage: 6 }).length, 1)
  assert.equal(differences(answer, { id: "a", replicas: 1 }).length, 1)
  assert.ok(differences(answer, { ...answer, error: "x" }).length > 0)
  assert.deepEqual(differences({ ...answer, error: "theirs" }, { ...answer, error: "ours" }), [])
})

test("the program answers cases in the oracle's format", () => {
  const run = (kind: Kind) => {
    const cases = readFixture(kind).slice(0, 20)
    const { stdout, status } = spawnSync(
      process.execPath,
      ["test/oracle/answer.ts", questionOf(kind)],
      { cwd: root, encoding: "utf8", input: cases.map(({ asked }) => `${asked}\n`).join("") },
    )
    assert.equal(status, 0)
    const answers = stdout.trimEnd().split("\n")
    assert.equal(answers.length, cases.length)
    for (const [i, answer] of answers.entries()) {
      assert.deepEqual(differences(JSON.parse(cases[i]!.answer), JSON.parse(answer)), [])
    }
  }
  run("replicas")
  run("follow")
})

test("without the oracle, comparing says so and is no failure", () => {
  const { HPA_ORACLE: _, ...env } = untestedEnv()
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["test/oracle/compare.ts", ...args], {
      ...{ cwd: root, encoding: "utf8", env },
    })
  const { status, stdout } = run()
  assert.equal(status, 0)
  assert.match(stdout, /HPA_ORACLE is not set/)
  assert.equal(run("--replicas", "many").status, 2)
})
