/** Workers that can't be ended, or must not be yet, and what that costs others. */
import assert from "node:assert/strict"
import { closeSync, constants, existsSync, openSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { eventually, TemporaryFolder } from "../support/cli.ts"
import { answerOf, Latch, type Trial, tryPool } from "../support/pool.ts"

/** A call that waits for an addon until it is let go on. */
async function waitForAddon(
  trial: Trial,
  folder: TemporaryFolder,
  name: string,
  more: { readonly spins?: Int32Array } = {},
) {
  const pipe = folder.pipe(name)
  const ticket = trial.submit("addon", { pipe, ...more })
  return { ticket, goOn: await readByAddon(pipe) }
}

/** Resolves when an addon reads the pipe, to what lets it go on. */
async function readByAddon(pipe: string): Promise<() => void> {
  // Only when somebody is reading can it be opened for writing without waiting.
  const fd = await eventually(() => {
    try {
      return openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENXIO") return undefined
      throw error
    }
  }, "the addon to read")
  // It would look into the pipe again and again to find out what kind of picture it is.
  return () => {
    rmSync(pipe)
    closeSync(fd)
  }
}

/** A call that is in native code until it is let go on. */
async function getStuck(
  trial: Trial,
  folder: TemporaryFolder,
  name: string,
  operation: "stuck" | "returning" = "stuck",
) {
  const file = join(folder.path, name)
  const pipe = folder.pipe(`${name}-pipe`)
  const ticket = trial.submit(operation, { file, pipe })
  await eventually(() => existsSync(file) || undefined, "it to be stuck")
  return { ticket, file, goOn: () => writeFileSync(pipe, "") }
}

test("a worker whose call waits for an addon is retired: others take over, and it ends when that is done", async () => {
  using folder = new TemporaryFolder()
  await using trial = await tryPool({ spares: 1 })
  await trial.warm()
  const { ticket, goOn } = await waitForAddon(trial, folder, "pipe")
  const next = trial.run("thread")
  ticket.cancel()
  assert.deepEqual(await ticket.outcome, { kind: "cancelled", where: "running" })
  // Ended now, it would take the process with it.
  assert.equal((await next).kind, "done")
  await trial.until(() => trial.pool.counts().idle === 2)
  assert.deepEqual(trial.pool.counts(), { booting: 0, idle: 2, busy: 0, retired: 1, stuck: 0 })
  goOn()
  await eventually(() => trial.pool.counts().retired === 0 || undefined, "it to end")
  assert.deepEqual(trial.deaths, [])
})

test("so is one whose call is too late, and no more of them than there are slots", async () => {
  using folder = new TemporaryFolder()
  await using trial = await tryPool({ spares: 1 })
  await trial.warm()
  const calls = []
  for (const name of ["first", "second"]) {
    const call = await waitForAddon(trial, folder, name)
    call.ticket.cancel()
    calls.push(call)
    if (name === "first") await trial.until(() => trial.pool.counts().retired === 1)
  }
  // The second keeps its slot, so that the next call has to wait.
  const next = trial.run("echo", 1)
  assert.equal(trial.pool.counts().busy, 1)
  calls[0]?.goOn()
  assert.equal(answerOf(await next), 1)
  calls[1]?.goOn()
  await eventually(() => trial.pool.counts().retired === 0 || undefined, "both to end")
})

test("what waits for no addon is ended, though its thread has loaded one, however often", async () => {
  using folder = new TemporaryFolder()
  await using trial = await tryPool({ cancelGraceMs: 0 })
  const { ticket, goOn } = await waitForAddon(trial, folder, "pipe")
  goOn()
  assert.notEqual((await ticket.outcome).kind, "cancelled")
  for (let round = 0; round < 3; round++) {
    trial.submit("forever").cancel()
    assert.equal(answerOf(await trial.run("echo", round)), round)
  }
  assert.equal(trial.pool.counts().retired, 0)
})

// Native code that makes objects in a thread that was ended meanwhile aborts the process.
test("a thread with an addon ends at its next turn: native code returns into one that goes on", async () => {
  using folder = new TemporaryFolder()
  await using trial = await tryPool({ terminationMsMax: 50 })
  const { ticket, file, goOn } = await getStuck(trial, folder, "call", "returning")
  ticket.cancel()
  assert.deepEqual(await ticket.outcome, { kind: "cancelled", where: "running" })
  await trial.until(() => trial.pool.counts().stuck === 1)
  goOn()
  await eventually(() => existsSync(`${file}-returned`) || undefined, "it to go on")
  await eventually(() => trial.pool.counts().stuck === 0 || undefined, "it to end")
  assert.deepEqual(trial.deaths, [])
})

test("a call that computes beside an addon's work can't be ended either, and is done without", async () => {
  using folder = new TemporaryFolder()
  await using trial = await tryPool({ cancelGraceMs: 0, terminationMsMax: 50 })
  const latch = new Latch()
  const { ticket, goOn } = await waitForAddon(trial, folder, "pipe", { spins: latch.words })
  latch.untilBegun()
  ticket.cancel()
  assert.deepEqual(await ticket.outcome, { kind: "cancelled", where: "running" })
  assert.equal(answerOf(await trial.run("echo", 1)), 1)
  assert.deepEqual(trial.stuck, [{ operation: "addon", isReplaced: true }])
  goOn()
  latch.release()
  await eventually(() => trial.pool.counts().stuck === 0 || undefined, "it to end")
  assert.deepEqual(trial.deaths, [])
})

test("a worker that waits for nothing but timers is ended, since nothing holds on to its thread", async () => {
  await using trial = await tryPool({ cancelGraceMs: 0 })
  const ticket = trial.submit("forever")
  ticket.cancel()
  assert.equal(answerOf(await trial.run("echo", 1)), 1)
  assert.equal(trial.pool.counts().retired, 0)
})

test("a worker that goes because of a leftover is not ended while an addon works for it, and is done without", async () => {
  using folder = new TemporaryFolder()
  await using trial = await tryPool({ cancelGraceMs: 0, terminationMsMax: 50 })
  const pipe = folder.pipe("pipe")
  const left = new Latch()
  const first = await trial.run("leaves", { how: "rejects", words: left.words, pipe })
  const goOn = await readByAddon(pipe)
  left.release()
  await trial.until(() => trial.leftovers.length === 1)
  assert.notEqual(answerOf(await trial.run("thread")), answerOf(first))
  assert.deepEqual(trial.pool.counts(), { booting: 0, idle: 1, busy: 0, retired: 1, stuck: 0 })
  goOn()
  await eventually(() => trial.pool.counts().retired === 0 || undefined, "it to end")
  assert.deepEqual([trial.deaths, trial.logged], [[], []])
})

test("closing waits for what an addon does, as long as it may", async () => {
  using folder = new TemporaryFolder()
  const trial = await tryPool()
  const { goOn } = await waitForAddon(trial, folder, "pipe")
  const closed = trial.pool.close(20_000)
  goOn()
  await closed
  assert.deepEqual(trial.pool.counts(), { booting: 0, idle: 0, busy: 0, retired: 0, stuck: 0 })
})

test("a worker that does not end is done without, and comes back when its native code returns", async () => {
  using folder = new TemporaryFolder()
  await using trial = await tryPool({ spares: 1, cancelGraceMs: 0, terminationMsMax: 50 })
  await trial.warm()
  const { ticket, goOn } = await getStuck(trial, folder, "stuck")
  ticket.cancel()
  const next = trial.run("echo", 1)
  assert.equal(answerOf(await next), 1)
  assert.deepEqual(trial.stuck, [{ operation: "stuck", isReplaced: true }])
  assert.equal(trial.pool.counts().stuck, 1)
  assert.equal(trial.pool.state, "up")
  goOn()
  await eventually(() => trial.pool.counts().stuck === 0 || undefined, "it to end")
  assert.deepEqual(trial.deaths, [])
})

test("when every slot is stuck the pool is down, what waits is refused, and it recovers", async () => {
  using folder = new TemporaryFolder()
  await using trial = await tryPool({ spares: 1, cancelGraceMs: 0, terminationMsMax: 50 })
  await trial.warm()
  const first = await getStuck(trial, folder, "first")
  first.ticket.cancel()
  await trial.until(() => trial.stuck.length === 1)
  const second = await getStuck(trial, folder, "second")
  const waiting = trial.run("echo", 1)
  second.ticket.cancel()
  assert.deepEqual(await waiting, { kind: "shed", reason: "no-workers", retryAfterMs: 1000 })
  assert.deepEqual(trial.stuck.at(-1), { operation: "stuck", isReplaced: false })
  assert.equal(trial.pool.state, "down")
  assert.notEqual(trial.pool.allStuckSinceMs, undefined)
  first.goOn()
  await eventually(() => trial.pool.state === "up" || undefined, "it to recover")
  assert.equal(answerOf(await trial.run("echo", 2)), 2)
  second.goOn()
  await eventually(() => trial.pool.counts().stuck === 0 || undefined, "both to end")
})

test("what must not be cut off is not, and keeps its worker until it is done", async () => {
  using folder = new TemporaryFolder()
  await using trial = await tryPool({ cancelGraceMs: 0 })
  const before = answerOf(await trial.run("thread"))
  const file = join(folder.path, "careful")
  const pipe = folder.pipe("pipe")
  const ticket = trial.submit("careful", { file, pipe })
  await eventually(() => existsSync(file) || undefined, "it to have begun")
  ticket.cancel()
  assert.deepEqual(await ticket.outcome, { kind: "cancelled", where: "running" })
  const next = trial.run("thread")
  writeFileSync(pipe, "")
  assert.equal(answerOf(await next), before)
})
