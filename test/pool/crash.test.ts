import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { eventually, TemporaryFolder } from "../support/cli.ts"
import { patienceMs } from "../support/patience.ts"
import { answerOf, howOf, tryPool } from "../support/pool.ts"

for (const [name, how] of [
  ["outOfMemory", "out-of-memory"],
  ["exit", "exit"],
  ["throwLater", "uncaught"],
] as const) {
  test(`${how} in user code costs that one request and nothing else`, async () => {
    await using trial = await tryPool({ size: 2, spares: 1, memoryMiB: 32 })
    await trial.warm()
    const [crash, ...others] = await Promise.all([
      trial.run(name),
      ...[1, 2, 3, 4].map(() => trial.run("spin", { ms: 5 })),
    ])
    assert.equal(howOf(crash), how)
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
      cancelGraceMs: patienceMs(),
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
  await trial.pool.close(50)
  assert.deepEqual(trial.pool.counts(), { booting: 0, idle: 0, busy: 0, retired: 0, stuck: 0 })
  for (const { outcome } of tickets) assert.notEqual((await outcome).kind, "done")
})

test("a task that can't even be read in a worker's memory kills one worker, not one after another", async () => {
  await using trial = await tryPool({ memoryMiB: 16, size: 1, spares: 1 })
  const outcome = await trial.run(
    "echo",
    Array.from({ length: 600_000 }, () => ({})),
  )
  assert.equal(howOf(outcome), "out-of-memory")
  assert.equal(trial.deaths.length, 1)
  assert.equal(answerOf(await trial.run("echo", "still here")), "still here")
})

test("bytes that moved to a worker that died before it began are asked for again", async () => {
  await using trial = await tryPool()
  const bytes = new Uint8Array(1000)
  const [, outcome] = await Promise.all([
    trial.run("lastWords"),
    trial.run("measure", { bytes }, { transfer: [bytes.buffer] }),
  ])
  // Which of the two it is depends on how far the dying worker got.
  if (outcome.kind === "shed") assert.equal(outcome.reason, "no-workers")
  else assert.equal(answerOf(outcome), 1000)
})

test("a worker stuck in native code does not hold the pool's end up", async () => {
  using folder = new TemporaryFolder()
  const file = join(folder.path, "stuck")
  const pipe = folder.pipe("release")
  const trial = await tryPool({ cancelGraceMs: 0, terminationMsMax: 50 })
  trial.submit("stuck", { pipe, file })
  await eventually(() => existsSync(file) || undefined, "it to be stuck")
  try {
    await assert.rejects(trial.pool.close(0), { name: "StuckWorkerError" })
  } finally {
    await writeFile(pipe, "")
  }
})

test("what user code posts on the worker's port is left alone", async () => {
  await using trial = await tryPool()
  assert.equal(answerOf(await trial.run("intrude")), "said")
  assert.equal(answerOf(await trial.run("echo", 1)), 1)
})

test("a log line whose fields can't cross is logged all the same", async () => {
  await using trial = await tryPool()
  assert.equal(answerOf(await trial.run("logsFunction")), "logged")
  assert.match(JSON.stringify(trial.logged), /with a function.*callback/)
})

test("a queue full of inputs that can't cross is told one after another", async () => {
  await using trial = await tryPool()
  const first = trial.submit("spin", { ms: 20 })
  const rest = Array.from({ length: 5000 }, () => trial.run("echo", () => {}))
  await first.outcome
  for (const { kind } of await Promise.all(rest)) assert.equal(kind, "error")
})
