/** Replicas that come and go, die, hang and are replaced, while requests come in. */
import assert from "node:assert/strict"
import { existsSync, readFileSync } from "node:fs"
import { connect } from "node:net"
import { text } from "node:stream/consumers"
import { test } from "node:test"
import { StartError } from "../../src/local/fleet.ts"
import { eventually } from "../support/cli.ts"
import { type LocalTrial, localTrial } from "../support/local.ts"
import { patientMs } from "../support/patience.ts"
import { simulatedTimers } from "../support/simulated-timers.ts"

const ready = (count: number) => (replicas: readonly { readonly phase: string }[]) =>
  replicas.length === count && replicas.every(({ phase }) => phase === "ready")

/** Requests, one after another on several connections, until told to stop or disposed of. */
function traffic(trial: LocalTrial, connections = 4) {
  const answers = new Map<string, number>()
  let isOver = false
  const client = async (): Promise<void> => {
    while (!isOver) {
      const answer = await trial.get("/").catch((error: Error) => `${error.cause ?? error}`)
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
    }
  }
  const clients = Promise.all(Array.from({ length: connections }, client))
  const stop = async (): Promise<readonly string[]> => {
    isOver = true
    await clients
    return [...answers.keys()]
  }
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}

test("no request is lost while replicas are added, replaced by a new version, killed and removed", async () => {
  await using trial = await localTrial({ minReplicas: 2 })
  await trial.local.start()
  await trial.until(ready(2), "two replicas")
  await using load = traffic(trial)

  trial.folder.write("version", "2")
  trial.local.reload()
  await trial.event("rolled-out")
  const replicas = await trial.until(ready(2), "the version before to be gone")
  assert.deepEqual(
    replicas.map(({ name, version }) => [name, version]),
    [
      ["replica-3", 2],
      ["replica-4", 2],
    ],
  )
  const victim = await eventually(() => {
    const idle = trial.local.state().replicas.find(({ outstanding }) => outstanding === 0)
    // In the same moment: nobody gets in between.
    if (idle !== undefined) process.kill(idle.pid!, "SIGKILL")
    return idle
  }, "a replica that is idle")
  const died = await trial.event("died")
  assert.equal(died.replica, victim.name)
  assert.ok((died.againInMs ?? 0) > 0)
  const after = await trial.until(ready(2), "the killed one to be back")
  const restarted = after.find(({ name }) => name === victim.name)
  assert.equal(restarted?.restarts, 1)
  assert.notEqual(restarted?.pid, victim.pid)
  assert.deepEqual((await load.stop()).toSorted(), ["200 1", "200 2"])
})

test("by demand it scales to all that is asked for in one step, and no clock that jumps disturbs it", async (t) => {
  await using trial = await localTrial({ minReplicas: 3, syncMs: 1_000, signal: "demand" })
  // Three times 0.5 cores, at 0.35 for each replica, which is 70 % of 500m: five.
  trial.folder.write("demand", "0.5")
  await trial.local.start()
  t.mock.timers.enable({ apis: ["Date"], now: 0 })
  const decided = await eventually(
    () => trial.told.find((event) => event.kind === "decided" && event.to === 5),
    "a decision for five",
  )
  assert.ok(decided.kind === "decided")
  assert.match(decided.reasons[0] ?? "", /→ 5: demand at 0\.\d+ each/)
  await trial.until(ready(5), "five replicas")
  const { decisions, wanted } = await eventually(() => {
    const state = trial.local.state()
    return (state.demandCores ?? 0) > 1.4 ? state : undefined
  }, "the demand of three")
  assert.equal(wanted, 5)
  assert.deepEqual(
    decisions.map(({ number }) => number),
    decisions.map((_, i) => i + 1),
  )
})

test("a version that fails in its third replica leaves the one before serving, and is said once", async () => {
  await using trial = await localTrial({ minReplicas: 3 })
  await trial.local.start()
  const before = await trial.until(ready(3), "three replicas")
  trial.folder.write("fail", "6")
  trial.folder.write("version", "2")
  trial.local.reload()
  const failed = await trial.event("rollout-failed")
  assert.equal(failed.stillServing, 3)
  assert.equal(failed.againInMs, undefined)
  assert.deepEqual(failed.failure.lines, ["start 6 fails"])
  const after = await trial.until(ready(3), "the others of it to be gone")
  assert.deepEqual(
    after.map(({ name }) => name),
    before.map(({ name }) => name),
  )
  assert.equal(await trial.get("/"), "200 1")

  // What serves loses one, and can't be had again: the new one is tried again, and works by now.
  process.kill(after[0]!.pid!, "SIGKILL")
  await trial.event("rolled-out")
  await trial.until(ready(3), "three of the new version")
  assert.equal(await trial.get("/"), "200 2")
})

test("what dies while a new version is being started is stood in for by a replica of that version", async () => {
  await using trial = await localTrial({ minReplicas: 2 })
  await trial.local.start()
  await trial.until(ready(2), "two replicas")
  await using load = traffic(trial, 1)
  trial.folder.write("version", "2")
  // The second of the new version takes its time, twice: the first time it does not survive it.
  trial.folder.write("hold", "4\n6")
  trial.local.reload()
  const killIdleOfFirst = (): Promise<string> =>
    eventually(() => {
      const idle = trial.local
        .state()
        .replicas.find((each) => each.version === 1 && each.outstanding === 0)
      if (idle !== undefined) process.kill(idle.pid!, "SIGKILL")
      return idle?.name
    }, "an idle replica of the first version")
  const ofSecond = (phase: string) =>
    eventually(() => {
      const { replicas } = trial.local.state()
      return replicas.find((each) => each.version === 2 && each.phase === phase)
    }, `one of the second version that is ${phase}`)
  await ofSecond("ready")
  assert.equal(
    trial.told.some(({ kind }) => kind === "stands-in"),
    false,
  )
  await killIdleOfFirst()
  const { replica, version } = await trial.event("stands-in")
  assert.equal(version, 2)
  const during = trial.local.state()
  assert.deepEqual([during.ready, during.present, during.isRollingOut], [2, 2, true])
  await eventually(async () => (await trial.get("/")) === "200 2" || undefined, "its answer")

  // The version is given up, and tried again, as one is missing.
  process.kill((await ofSecond("starting")).pid!, "SIGKILL")
  const failed = await trial.event("rollout-failed")
  assert.equal(failed.stillServing, 1)
  await trial.until((all) => !all.some(({ name }) => name === replica), "the stand-in to be gone")
  await trial.event("stands-in", trial.told.indexOf(failed))
  trial.folder.write("go", "")
  await trial.event("rolled-out")
  const after = await trial.until(ready(2), "two of what is there now")
  assert.deepEqual(
    after.map((each) => each.version),
    [3, 3],
  )
  assert.deepEqual((await load.stop()).toSorted(), ["200 1", "200 2"])
})

test("one that fails as the third of a version that serves is tried again, the others go on", async () => {
  await using trial = await localTrial({ minReplicas: 3 })
  trial.folder.write("fail", "3\n4")
  await trial.local.start()
  const failed = await trial.event("failed")
  assert.equal(failed.isNews, true)
  assert.ok((failed.againInMs ?? 0) > 0)
  assert.equal(await trial.get("/"), "200 1")
  await trial.until(ready(3), "the third, at last")
})

test("when no replica can start, the start fails after one try of each and says why", async () => {
  await using trial = await localTrial({ minReplicas: 3 }, undefined, 1)
  trial.folder.write("fail", "all")
  await assert.rejects(trial.local.start(), (error) => {
    assert.ok(error instanceof StartError)
    assert.equal(error.message, "no start succeeds")
    return true
  })
  assert.deepEqual(
    trial.told.flatMap((event) => (event.kind === "failed" ? [event.replica] : [])),
    ["replica-1", "replica-2"],
  )
})

test("a replica that has served for long is started again at once when it ends", async (t) => {
  await using trial = await localTrial()
  await trial.local.start()
  const [{ pid } = { pid: undefined }] = trial.local.state().replicas
  const now = performance.now.bind(performance)
  t.mock.method(performance, "now", () => now() + 60_000)
  process.kill(pid!, "SIGKILL")
  assert.equal((await trial.event("died")).againInMs, 0)
  await trial.until(([one]) => one?.phase === "ready" && one.pid !== pid, "it to be back")
})

test("a replica that starts slowly is told of and waited for, with its requests, as long as it may take", async (t) => {
  await using trial = await localTrial({}, undefined, 2, 5_000)
  trial.folder.write("hold", "1")
  // Its time begins with this call, and passes here for as long as the clock is that of the test.
  const timers = simulatedTimers(t)
  const started = trial.local.start()
  timers.tick(499)
  assert.deepEqual(trial.told, [])
  timers.tick(1)
  assert.deepEqual(trial.told, [
    { kind: "slow", replica: "replica-1", afterMs: 500, startMsMax: 5_000 },
  ])
  timers.tick(4_499)
  timers.end()
  const waiting = trial.get("/")
  const { present, ready, replicas } = trial.local.state()
  assert.deepEqual([present, ready, replicas[0]?.phase], [0, 0, "starting"])
  trial.folder.write("go", "")
  await started
  assert.equal(await waiting, "200 1")
  assert.equal(trial.local.state().replicas[0]?.restarts, 0)
})

test("a replica that takes longer than it may is ended, and the reason says so", async () => {
  await using trial = await localTrial({}, undefined, 2, 300)
  trial.folder.write("hold", "1")
  await assert.rejects(trial.local.start(), /It did not serve within 0\.3 s/)
})

test("a replica that can't start and does not end either is ended", async () => {
  await using trial = await localTrial()
  trial.folder.write("fail", "all")
  trial.folder.write("stays", "")
  await assert.rejects(trial.local.start(), /no start succeeds/)
})

test("a change that leaves the source as broken as it was is answered all the same", async () => {
  await using trial = await localTrial()
  await trial.local.start()
  trial.folder.write("fail", "all")
  for (let version = 2; version < 4; version += 1) {
    const from = trial.told.length
    trial.local.reload()
    const failed = await trial.event("rollout-failed", from)
    assert.deepEqual([failed.version, failed.isNews], [version, true])
  }
})

test("a replica that hangs is killed by its liveness probe and started again", async () => {
  const patientS = patientMs(5_000) / 1000
  const probe = { periodSeconds: 0.05, timeoutSeconds: patientS, failureThreshold: 2 }
  const readiness = { ...probe, path: "/readyz" }
  const liveness = { ...probe, path: "/livez" }
  await using trial = await localTrial({}, { readiness, liveness })
  await trial.local.start()
  await trial.until(ready(1), "it to be ready")
  // For what hangs any time is long enough. What is only slow gets more, before and after.
  liveness.timeoutSeconds = 0.1
  assert.match(await trial.get("/hang"), /^502 /)
  liveness.timeoutSeconds = patientS
  const { replica } = await trial.event("hung")
  assert.equal(replica, "replica-1")
  await trial.until(
    (all) => ready(1)(all) && all.every(({ restarts }) => restarts >= 1),
    "it to be back",
  )
  assert.equal(await trial.get("/"), "200 1")
  trial.folder.write("unready", "")
  await trial.until((all) => all.every(({ phase }) => phase === "unready"), "it to be unready")
  assert.equal(trial.local.state().ready, 0)
})

test("kill -9 of a busy replica costs what ran there a 502, and nothing else", async () => {
  await using trial = await localTrial({ minReplicas: 2 })
  await trial.local.start()
  await trial.until(ready(2), "two replicas")
  const begun = `${trial.folder.path}/slow`
  const slow = [trial.get("/slow"), trial.get("/slow")]
  const all = await trial.until(
    (replicas) => replicas.every(({ outstanding }) => outstanding === 1),
    "a request on each",
  )
  await eventually(() => {
    return existsSync(begun) && readFileSync(begun, "utf8").length === 2 ? true : undefined
  }, "both to have begun")
  process.kill(all[0]!.pid!, "SIGKILL")
  await trial.event("died")
  trial.folder.write("release", "")
  const answers = await Promise.all(slow)
  assert.deepEqual(answers.map((answer) => answer.slice(0, 4)).toSorted(), ["200 ", "502 "])
  assert.match(answers.find((answer) => answer.startsWith("502")) ?? "", /"status":502/)
})

test("closing answers what is under way first, and ends also what is still starting", async () => {
  const trial = await localTrial({ minReplicas: 2 })
  await trial.local.start()
  const slow = trial.get("/slow")
  await trial.until((all) => all.some(({ outstanding }) => outstanding === 1), "the request")
  trial.local.reload()
  const closed = trial[Symbol.asyncDispose]
  const closing = trial.local.close()
  trial.folder.write("release", "")
  assert.equal(await slow, "200 1")
  await closing
  assert.deepEqual(trial.local.state().replicas, [])
  await closed.call(trial)
})

test("connections that nobody has accepted yet when it closes are answered", async () => {
  await using trial = await localTrial()
  await trial.local.start()
  const { port } = new URL(trial.url)
  // Opened in the system by the time that it closes, and not yet seen by anybody.
  const answers = Array.from({ length: 20 }, async () => {
    const socket = connect(Number(port), "127.0.0.1")
    socket.write("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    return await text(socket)
  })
  // Still the same turn of the event loop, but that of the system calls is over.
  await new Promise<void>((resolve) => process.nextTick(resolve))
  const closed = trial.local.close()
  for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 200 /)
  await closed
})
