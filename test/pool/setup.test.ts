/** What a `setup` that fails costs the other operations, and what priority it has. */
import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { Pool } from "../../src/service/pool/pool.ts"
import { eventually, TemporaryFolder } from "../support/cli.ts"
import { patienceMs } from "../support/patience.ts"
import { answerOf, callOf, type Trial, tryPool, workerOptions } from "../support/pool.ts"

/** What the `setup` of two operations does from here on. */
function setupFile(how: string) {
  const folder = new TemporaryFolder()
  const set = (next: string) => folder.write("setup", next)
  set(how)
  process.env.TEST_SETUP_FILE = join(folder.path, "setup")
  return { set, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

const options = {
  moduleUrl: new URL("../fixtures/pool/setups.ts", import.meta.url).href,
  operations: ["classify", "plain", "shares", "other", "exit"],
}

/**
 * Runs a call of the fixture's; of its operation the pool looks at nothing that would matter here.
 */
function run(trial: Trial, name: string) {
  return trial.run(name, undefined, { operation: callOf("echo").operation })
}

for (const [how, message] of [
  ["throws", /^setup of "classify", "shares" failed: the model is missing$/],
  ["exits", /^setup of "classify", "shares" failed: The worker exited with code 3/],
  ["needs too much memory", /^setup of "classify", "shares" failed: .*memory/],
  ["waits for nothing", /^setup of "classify", "shares" failed: .* nothing .* settle/],
  ["computes for ever", /^setup of "classify", "shares" failed: .* within setupTimeoutMs/],
  ["waits for ever", /^setup of "classify", "shares" failed: .* within setupTimeoutMs/],
] as const) {
  test(`a setup that ${how} costs its operations and no other, until it works`, async () => {
    using setup = setupFile(how)
    // Where a worker that would boot is too slow for that, it is tried again.
    const setupTimeoutMs = how.endsWith("for ever") ? 1500 : patienceMs()
    await using trial = await tryPool({
      ...options,
      size: 2,
      spares: 1,
      setupTimeoutMs,
      memoryMiB: 32,
    })
    await trial.until(() => trial.pool.state === "up" && trial.failedSetups.length > 0)
    assert.deepEqual(trial.failedSetups[0]?.operations, ["classify", "shares"])
    assert.match(trial.failedSetups[0]?.message ?? "", message)
    assert.equal(answerOf(await run(trial, "plain")), "plain")
    assert.equal(answerOf(await run(trial, "other")), "set up")
    assert.notEqual(trial.pool.setupWaitMs("shares", performance.now()), undefined)
    assert.equal(trial.pool.setupWaitMs("other", performance.now()), undefined)
    // Tried again, and again without harm to the others.
    const tries = trial.failedSetups.length
    await trial.until(() => trial.failedSetups.length > tries)
    assert.equal(answerOf(await run(trial, "plain")), "plain")
    setup.set("works")
    await trial.until(() => trial.pool.failedSetups.length === 0)
    // By every worker that is left.
    const answers = Array.from({ length: 20 }, () => run(trial, "classify"))
    for (const answer of await Promise.all(answers)) assert.equal(answerOf(answer), "works")
    await trial.until(() => trial.pool.counts().idle === 3 && trial.pool.counts().booting === 0)
  })
}

test("setups that are stuck in native code take no worker's place, however often they are tried", async () => {
  using folder = new TemporaryFolder()
  const pipe = folder.pipe("pipe")
  using setup = setupFile(pipe)
  await using trial = await tryPool({ ...options, setupTimeoutMs: 1500, terminationMsMax: 50 })
  await trial.until(() => trial.stuck.length === 2)
  // One is done without, the other one is not: there are too many of them.
  assert.deepEqual(
    trial.stuck.map(({ isReplaced }) => isReplaced),
    [true, false],
  )
  assert.equal(trial.pool.state, "up")
  assert.equal(answerOf(await run(trial, "plain")), "plain")
  setup.set("works")
  writeFileSync(pipe, "")
  await trial.until(() => trial.pool.failedSetups.length === 0)
  assert.equal(answerOf(await run(trial, "classify")), "works")
  await eventually(() => trial.pool.counts().stuck === 0 || undefined, "both to end")
})

test("where others have it, a worker whose setup fails is replaced later, and no call is refused", async () => {
  using setup = setupFile("works")
  await using trial = await tryPool({ ...options, size: 2 })
  await trial.until(() => trial.pool.counts().idle === 2)
  setup.set("throws")
  assert.equal((await run(trial, "exit")).kind, "crashed")
  await trial.until(() => trial.deaths.length === 3)
  assert.match(trial.deaths[2]?.message ?? "", /^setup of "classify", "shares" failed: the model/)
  assert.ok(trial.deaths[2]!.retryInMs > 0)
  assert.equal(answerOf(await run(trial, "classify")), "works")
  assert.deepEqual(trial.failedSetups, [])
  setup.set("works")
  await trial.until(() => trial.pool.counts().idle === 2)
})

test("when the last worker that had it is gone, the others' operations go on", async () => {
  using setup = setupFile("works")
  await using trial = await tryPool(options)
  setup.set("throws")
  assert.equal((await run(trial, "exit")).kind, "crashed")
  assert.equal(answerOf(await run(trial, "plain")), "plain")
  assert.equal(trial.failedSetups.length, 1)
})

test("a call that waits when its operation's setup fails is refused, and the others are not", async () => {
  using _ = setupFile("throws")
  const pool = new Pool(
    { ...workerOptions, ...options, size: 1, spares: 0, cancelGraceMs: 50 },
    { used() {} },
  )
  const { operation } = callOf("echo")
  const estimate = { ms: undefined, medianMs: undefined, foretoldMs: undefined }
  const outcomes = ["classify", "plain", "shares", "other"].map(
    (name) => pool.submit(callOf(name, undefined, { operation }), estimate).outcome,
  )
  const kinds = (await Promise.all(outcomes)).map(({ kind }) => kind)
  assert.deepEqual(kinds, ["shed", "done", "shed", "done"])
  await pool.close(50)
})

test("when every setup fails no worker can start, and the reason names the setup", async () => {
  using setup = setupFile("throws")
  await using trial = await tryPool({ ...options, operations: ["classify", "shares"] })
  assert.equal(trial.pool.state, "down")
  assert.match(
    trial.pool.bootFault?.message ?? "",
    /^setup of "classify", "shares" failed: the model/,
  )
  setup.set("works")
  await trial.until(() => trial.pool.state === "up")
  assert.equal(answerOf(await run(trial, "shares")), "works")
})

test("threads that a setup starts have the workers' priority", {
  skip: process.platform !== "linux",
}, async () => {
  await using trial = await tryPool({ ...options, operations: ["priorities"], nice: 3 })
  const { setup, ownPriority } = answerOf(await run(trial, "priorities")) as {
    readonly setup: number
    readonly ownPriority: number
  }
  assert.equal(setup, ownPriority)
})
