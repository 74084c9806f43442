import assert from "node:assert/strict"
import { test } from "node:test"
import { setTimeout } from "node:timers/promises"
import { pino } from "pino"
import { ComputePools } from "../../src/service/compute.ts"
import type { Outcome, Shed, Ticket } from "../../src/service/outcome.ts"
import { resolveSettings, type Settings } from "../../src/service/settings.ts"
import fixture from "../fixtures/pool/service.ts"

interface Trial extends AsyncDisposable {
  readonly compute: ComputePools
  /** Of each call that ran. */
  readonly usedCpuMs: number[]
  readonly refusedCpuMs: number[]
  /** Its head has come, with 20 s left unless told otherwise. */
  arrive(name: string, bytes: number, tryId: string, deadlineMs?: number): Shed | undefined
  call(name: string, body?: unknown, more?: { deadlineMs?: number; tryId?: string }): Ticket
}

async function tryCompute(settings: Settings): Promise<Trial> {
  const usedCpuMs: number[] = []
  const refusedCpuMs: number[] = []
  const compute = new ComputePools({
    service: fixture,
    moduleUrl: new URL("../fixtures/pool/service.ts", import.meta.url),
    settings: resolveSettings({
      options: { spareWorkers: 0, workerMemoryMiB: 128, workerNice: 0, ...settings },
    }),
    log: pino({ level: "silent" }),
  })
  compute.observer = {
    used: ({ cpuMs }) => usedCpuMs.push(cpuMs),
    corrected() {},
    unserved: (_, kind, cpuMs) => {
      if (kind === "shed") refusedCpuMs.push(cpuMs)
    },
    workerDied() {},
  }
  await compute.started()
  let calls = 0
  return {
    compute,
    usedCpuMs,
    refusedCpuMs,
    arrive: (name, bytes, tryId, deadlineMs = 20_000) =>
      compute.arrive({ name, bytes, tryId, deadlineAtMs: performance.now() + deadlineMs }),
    call(name, body, { deadlineMs = 20_000, tryId = `try-${++calls}` } = {}) {
      const arrivedAtMs = performance.now()
      return compute.run({
        name,
        operation: fixture.operations.get(name)!,
        input: { path: undefined, query: undefined, headers: undefined, body },
        transfer: [],
        requestId: tryId,
        tryId,
        arrivedAtMs,
        deadlineAtMs: arrivedAtMs + deadlineMs,
        encoding: undefined,
      })
    },
    [Symbol.asyncDispose]: () => compute.close(0),
  }
}

async function reasonOf(ticket: Ticket): Promise<string> {
  const outcome: Outcome = await ticket.outcome
  return outcome.kind === "shed" ? outcome.reason : outcome.kind
}

test("one more than may wait is shed, before and after its body is read", async () => {
  await using trial = await tryCompute({ workers: 1, queueMax: 2 })
  const admitted = [1, 2, 3].map(() => trial.call("polite"))
  assert.equal(trial.arrive("polite", 0, "x")?.reason, "queue-full")
  assert.equal(await reasonOf(trial.call("polite")), "queue-full")
  for (const ticket of admitted) ticket.cancel()
})

test("body bytes beyond the bound are shed before they are read", async () => {
  await using trial = await tryCompute({ workers: 1, queueBytesMax: 1000 })
  trial.compute.bytesHeld.add(900)
  assert.equal(trial.arrive("echo", 101, "x")?.reason, "bytes-full")
  assert.equal(trial.arrive("echo", 100, "x"), undefined)
  trial.compute.bytesHeld.remove(900)
  assert.equal(trial.arrive("echo", 1000, "x"), undefined)
})

test("while cold only the bounds hold; once the cost is known, what can't be in time is shed", async () => {
  await using trial = await tryCompute({ workers: 1 })
  const cold = trial.call("spin", { ms: 50 }, { deadlineMs: 10_000 })
  const coldToo = trial.call("spin", { ms: 50 }, { deadlineMs: 10_000 })
  assert.deepEqual([await reasonOf(cold), await reasonOf(coldToo)], ["done", "done"])
  const running = trial.call("spin", { ms: 50 })
  const hopeless = trial.call("spin", { ms: 50 }, { deadlineMs: 60 })
  const hopeful = trial.call("spin", { ms: 50 }, { deadlineMs: 10_000 })
  assert.equal(await reasonOf(hopeless), "deadline")
  assert.deepEqual([await reasonOf(running), await reasonOf(hopeful)], ["done", "done"])
})

test("a client with little time left is refused before its body is read", async () => {
  await using trial = await tryCompute({ workers: 1 })
  await trial.call("spin", { ms: 50 }).outcome
  const running = [1, 2, 3].map(() => trial.call("spin", { ms: 50 }))
  assert.equal(trial.arrive("spin", 0, "hurried", 20)?.reason, "deadline")
  assert.equal(trial.arrive("spin", 0, "patient"), undefined)
  for (const ticket of running) await ticket.outcome
})

test("slow calls do not shut an operation for good: a free worker takes the next one", async () => {
  await using trial = await tryCompute({ workers: 1, cancelGraceMs: 0 })
  for (let n = 0; n < 4; n++) {
    assert.equal(await reasonOf(trial.call("endless", {}, { deadlineMs: 20 })), "expired")
    while (trial.compute.counts().idle === 0) await setTimeout(1)
  }
})

test("an overload keeps the queue short, all who were admitted are served, and it ends", async () => {
  await using trial = await tryCompute({ workers: 1, queueMax: 10_000 })
  for (let n = 0; n < 5; n++) await trial.call("spin", { ms: 5 }).outcome
  const ends = new Map<string, number>()
  const count = (end: string) => ends.get(end) ?? 0
  const { promise: over, resolve } = Promise.withResolvers<number>()
  // Four times what one worker can do, however much that is: each call that it has had brings four.
  const bringFour = () => Promise.all([1, 2, 3, 4].map(bring))
  const bring = async (): Promise<void> => {
    const end = await reasonOf(trial.call("spin", { ms: 5 }, { deadlineMs: 500 }))
    ends.set(end, count(end) + 1)
    if (end === "deadline") return
    if (count("done") + count("expired") < 150) await bringFour()
    else resolve(trial.compute.demand().predictedWaitMs)
  }
  const all = bringFour()
  const waitMs = await over
  assert.ok(waitMs < 250, `the queue is ${waitMs} ms long, where 500 would be allowed`)
  await all
  assert.ok(count("deadline") > count("done"), "most had to be shed")
  assert.ok(count("expired") < count("done"), `${count("expired")} were admitted in vain`)
  assert.equal(await reasonOf(trial.call("spin", { ms: 5 })), "done")
})

test("few slow calls among many quick ones count for what they take, not as the quick ones", async () => {
  await using trial = await tryCompute({ workers: 1, queueMax: 10_000 })
  for (let n = 0; n < 9; n++) {
    assert.equal(await reasonOf(trial.call("spin", { ms: n % 3 === 0 ? 60 : 1 })), "done")
  }
  // A hundred of such a mix take two seconds; a hundred of the quick ones a tenth of one.
  const running = trial.call("polite")
  const line = Array.from({ length: 100 }, () =>
    trial.call("spin", { ms: 1 }, { deadlineMs: 1000 }),
  )
  const admitted = trial.compute.demand().queued
  assert.ok(admitted > 0 && admitted < 60, `${admitted} of 100 are to fit a second`)
  for (const ticket of [running, ...line]) ticket.cancel()
})

test("calls that came before anything was known count for what is known by now", async () => {
  await using trial = await tryCompute({ workers: 1 })
  const tickets = Array.from({ length: 20 }, () => trial.call("spin", { ms: 50 }))
  assert.equal(trial.compute.demand().predictedWaitMs, 0)
  assert.equal(await reasonOf(tickets[0]!), "done")
  const { queued, predictedWaitMs } = trial.compute.demand()
  assert.ok(queued >= 15 && predictedWaitMs > 40 * queued, `${queued} take ${predictedWaitMs} ms`)
  for (const ticket of tickets) ticket.cancel()
})

test("while cold, demand goes by the CPU that the first call has used, not by how long it has run", async () => {
  await using trial = await tryCompute({ workers: 1 })
  const first = trial.call("sleep", { ms: 400 })
  for (let n = 0; n < 10; n++) trial.call("sleep", { ms: 1 })
  await setTimeout(200)
  // Eleven calls of 200 ms so far would be more than a core over the second.
  const { coresLastSecond } = trial.compute.demand()
  assert.ok(coresLastSecond < 0.5, `${coresLastSecond} cores`)
  await first.outcome
})

test("demand counts what was shed, at the known cost, and repeated tries once", async () => {
  await using trial = await tryCompute({ workers: 1, queueMax: 0 })
  await trial.call("spin", { ms: 30 }).outcome
  const running = trial.call("polite")
  for (let n = 0; n < 3; n++) trial.arrive("spin", 0, "the same")
  trial.arrive("spin", 0, "another")
  const [cpuMs] = trial.usedCpuMs
  assert.ok(cpuMs !== undefined && cpuMs > 0)
  assert.deepEqual(trial.refusedCpuMs, [cpuMs, cpuMs])
  running.cancel()
})

test("a cost that is no number is a bug of the operation, and harms nothing else", async () => {
  await using trial = await tryCompute({ workers: 1 })
  for (const ms of [undefined, Number.NaN, -1, Number.POSITIVE_INFINITY]) {
    const outcome = await trial.call("priced", { ms }).outcome
    if (ms === undefined) assert.equal(outcome.kind, "done", "it says nothing")
    else assert.match(JSON.stringify(outcome), /The cost of .*priced.* it must be a number/)
  }
  assert.equal(await reasonOf(trial.call("priced", { ms: 1 })), "done")
  assert.ok(Number.isFinite(trial.compute.demand().cores))
})
