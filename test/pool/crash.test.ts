import assert from "node:assert/strict"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { answerOf, tryPool } from "../support/pool.ts"

for (const [name, how] of [
  ["outOfMemory", "out-of-memory"],
  ["exit", "exit"],
  ["throwLater", "uncaught"],
] as const) {
  test(`${how} in user code costs that one request and nothing else`, async () => {
    await using trial = await tryPool({ size: 2, spares: 1, memoryMiB: 32 })
    await trial.until(() => trial.pool.counts().idle === 3)
    const [crash, ...others] = await Promise.all([
      trial.run(name),
      ...[1, 2, 3, 4].map(() => trial.run("spin", { ms: 5 })),
    ])
    assert.equal(crash.kind === "crashed" ? crash.how : crash.kind, how)
    assert.deepEqual(
      others.map(({ kind }) => kind),
      ["done", "done", "done", "done"],
    )
    await trial.until(() => trial.pool.counts().idle === 3)
  })
}

test("a task given to a worker that died before it began runs on another", async () => {
  await using trial = await tryPool()
  for (let round = 0; round < 10; round++) {
    const outcomes = await Promise.all([
      trial.run("lastWords"),
      trial.run("echo", "first after"),
      trial.run("echo", "second after"),
    ])
    assert.deepEqual(outcomes.map(answerOf), ["last words", "first after", "second after"])
  }
})

test("a worker that dies in setup is started again, later and later, until it works", async () => {
  const folder = await mkdtemp(join(tmpdir(), "capstan-"))
  const model = join(folder, "model")
  process.env.TEST_MODEL_FILE = model
  {
    await using trial = await tryPool({
      moduleUrl: new URL("../fixtures/pool/fails-in-setup.ts", import.meta.url).href,
      operations: ["hello"],
    })
    assert.equal(trial.pool.state, "down")
    await trial.until(() => trial.deaths.length === 3)
    const [first, second, third] = trial.deaths
    assert.match(first!.message, /the model is missing/)
    assert.ok(first!.retryInMs >= 80 && first!.retryInMs < 120)
    assert.ok(second!.retryInMs >= 160 && second!.retryInMs < 240)
    assert.ok(third!.retryInMs >= 320 && third!.retryInMs < 480)
    await writeFile(model, "here now")
    await trial.until(() => trial.pool.state === "up")
    assert.equal((await trial.run("hello", undefined)).kind, "done")
  }
  await rm(folder, { recursive: true })
})

test("a worker whose setup takes too long is given up, with the setting's name", async () => {
  await using trial = await tryPool({ setupTimeoutMs: 1 })
  assert.equal(trial.pool.state, "down")
  assert.match(trial.deaths[0]!.message, /setupTimeoutMs, which is 1 ms/)
})

test("closing disposes of what setup made, once for operations that share it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "capstan-"))
  const file = join(folder, "disposals")
  process.env.TEST_DISPOSAL_FILE = file
  {
    await using _ = await tryPool({
      moduleUrl: new URL("../fixtures/pool/disposes.ts", import.meta.url).href,
      operations: ["one", "two"],
      cancelGraceMs: 10_000,
    })
  }
  assert.equal(await readFile(file, "utf8"), "a model\n")
  await rm(folder, { recursive: true })
})

test("closing in the middle of everything leaves nothing", async () => {
  const trial = await tryPool({ size: 2, spares: 1 })
  const tickets = ["endless", "sleep", "echo", "echo"].map((name) =>
    trial.submit(name, { ms: 1e6 }),
  )
  await trial.pool.close()
  assert.deepEqual(trial.pool.counts(), { booting: 0, idle: 0, busy: 0 })
  for (const { outcome } of tickets) assert.notEqual((await outcome).kind, "done")
})
