import assert from "node:assert/strict"
import { test } from "node:test"
import { setTimeout } from "node:timers/promises"
import { pino } from "pino"
import type { Clock } from "../../src/core/clock.ts"
import { ComputePools } from "../../src/service/compute.ts"
import type { Outcome, Shed, Ticket } from "../../src/service/outcome.ts"
import { resolveSettings, type Settings } from "../../src/service/settings.ts"
import fixture from "../fixtures/pool/service.ts"
import { eventually } from "../support/cli.ts"
import { patienceMs } from "../support/patience.ts"
import { Latch } from "../support/pool.ts"

interface Trial extends AsyncDisposable {
  readonly compute: ComputePools
  /** Of each call that ran. */
  readonly ranMs: number[]
  readonly usedCpuMs: number[]
  readonly refusedCpuMs: number[]
  /** Its head has come, with much time left unless told otherwise. */
  arrive(
    name: string,
    bytes: number,
    tryId: string,
    deadlineMs?: number,
    peer?: string,
  ): Shed | undefined
  call(
    name: string,
    body?: unknown,
    more?: { deadlineMs?: number; tryId?: string; peer?: string },
  ): Ticket
}

async function tryCompute(
  settings: Settings,
  clock: Clock = () => performance.now(),
): Promise<Trial> {
  const ranMs: number[] = []
  const usedCpuMs: number[] = []
  const refusedCpuMs: number[] = []
  const compute = new ComputePools({
    service: fixture,
    moduleUrl: new URL("../fixtures/pool/service.ts", import.meta.url),
    settings: resolveSettings({
      options: {
        spareWorkers: 0,
        workerMemoryMiB: 128,
        workerNice: 0,
        setupTimeoutMs: patienceMs(),
        ...settings,
      },
    }),
    log: pino({ level: "silent" }),
    clock,
  })
  compute.observer = {
    used(use) {
      ranMs.push(use.ranMs)
      usedCpuMs.push(use.cpuMs)
    },
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
    ranMs,
    usedCpuMs,
    refusedCpuMs,
    arrive: (name, bytes, tryId, deadlineMs = patienceMs(), peer = "peer") =>
      compute.arrive({ name, peer, bytes, tryId, deadlineAtMs: clock() + deadlineMs }),
    call(name, body, { deadlineMs = patienceMs(), tryId = `try-${++calls}`, peer = "peer" } = {}) {
      const arrivedAtMs = clock()
      return compute.run({
        name,
        operation: fixture.operations.get(name)!,
        input: { path: undefined, query: undefined, headers: undefined, body },
        transfer: [],
        requestId: tryId,
        tryId,
        peer,
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

test("who comes at the expense of others is not refused, and not counted as such", async () => {
  await using trial = await tryCompute({ workers: 1, queueBytesMax: 1000 })
  trial.compute.bytesHeld.add(900)
  const arrive = (bytes: number, spare: number) => {
    const deadlineAtMs = performance.now() + 60_000
    const bytesToSpare = () => spare
    return trial.compute.arrive({
      name: "echo",
      peer: "peer",
      bytes,
      tryId: `${bytes}`,
      deadlineAtMs,
      bytesToSpare,
    })
  }
  assert.equal(arrive(150, 50), undefined)
  assert.deepEqual(trial.refusedCpuMs, [])
  assert.equal(arrive(151, 50)?.reason, "bytes-full")
  assert.equal(trial.refusedCpuMs.length, 1)
})

test("while cold only the bounds hold; once the cost is known, what can't be in time is shed", async () => {
  await using trial = await tryCompute({ workers: 1 }, () => 0)
  const cold = trial.call("spin", { ms: 5 })
  const coldToo = trial.call("spin", { ms: 5 })
  assert.deepEqual([await reasonOf(cold), await reasonOf(coldToo)], ["done", "done"])
  const running = trial.call("spin", { ms: 5 })
  // It would be the second, and there is time for one and a half.
  const deadlineMs = 1.5 * Math.min(...trial.ranMs)
  const hopeless = trial.call("spin", { ms: 5 }, { deadlineMs })
  const hopeful = trial.call("spin", { ms: 5 })
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

/** In simulated time, of which a call takes more than this machine could stand still. */
const serviceMs = 1_000_000

test("an overload keeps the queue short, all who were admitted are served, and it ends", async () => {
  let nowMs = 0
  await using trial = await tryCompute({ workers: 1, queueMax: 10_000 }, () => nowMs)
  const admitted: { readonly latch: Latch; readonly ticket: Ticket }[] = []
  let refused = 0
  const bring = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      const latch = new Latch()
      const ticket = trial.call("held", latch.words, { deadlineMs: 100 * serviceMs })
      // That of a refusal is there already.
      const outcome = await Promise.race([ticket.outcome, undefined])
      if (outcome?.kind === "shed") refused += 1
      else admitted.push({ latch, ticket })
    }
  }
  const serve = async (): Promise<void> => {
    const { latch, ticket } = admitted.shift()!
    nowMs += serviceMs
    latch.release()
    assert.equal(await reasonOf(ticket), "done")
  }
  // Four times what one worker can do.
  const lengths: number[] = []
  for (let turn = 0; turn < 200; turn++) {
    await bring(4)
    lengths.push(trial.compute.demand().queued)
    await serve()
  }
  const longest = Math.max(...lengths)
  assert.ok(longest > 80, `a burst may fill what the deadline allows: ${longest}`)
  const late = Math.max(...lengths.slice(-50))
  assert.ok(late <= 3, `${late} wait, where patience is for two`)
  assert.ok(refused > 550, `most had to be shed: ${refused}`)
  while (admitted.length > 0) await serve()
  nowMs += 10 * serviceMs
  const before = refused
  await bring(50)
  assert.equal(refused, before, "another burst is one again")
})

test("few slow calls among many quick ones count for what they take, not as the quick ones", async () => {
  let nowMs = 0
  await using trial = await tryCompute({ workers: 1, queueMax: 10_000 }, () => nowMs)
  for (let n = 0; n < 9; n++) {
    const latch = new Latch()
    const ticket = trial.call("held", latch.words, { deadlineMs: 100 * serviceMs })
    nowMs += n % 3 === 0 ? 6 * serviceMs : serviceMs / 10
    latch.release()
    assert.equal(await reasonOf(ticket), "done")
  }
  // A hundred of such a mix take 207 times as long; a hundred of the quick ones ten times.
  const latch = new Latch()
  const running = trial.call("held", latch.words)
  const deadlineMs = 100 * serviceMs
  const line = Array.from({ length: 100 }, () => trial.call("held", latch.words, { deadlineMs }))
  const admitted = trial.compute.demand().queued
  assert.ok(admitted > 40 && admitted < 60, `${admitted} of 100 are to fit`)
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
  let nowMs = 0
  await using trial = await tryCompute({ workers: 1 }, () => nowMs)
  const latch = new Latch()
  const calls = Array.from({ length: 11 }, () => trial.call("held", latch.words))
  await eventually(() => latch.hasBegun || undefined, "the first to begin")
  nowMs = 800
  // Eleven calls of 800 ms so far would be nine cores over the second.
  const { coresLastSecond } = trial.compute.demand()
  assert.ok(coresLastSecond > 0 && coresLastSecond < 2, `${coresLastSecond} cores`)
  for (const call of calls) call.cancel()
})

test("demand counts what was shed, at the known cost, and repeated tries once", async () => {
  await using trial = await tryCompute({ workers: 1, queueMax: 0 })
  await trial.call("burn", { cpuMs: 30 }).outcome
  const running = trial.call("polite")
  for (let n = 0; n < 3; n++) trial.arrive("burn", 0, "the same")
  trial.arrive("burn", 0, "another")
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

test("a cost beyond the whole deadline is refused for good, and is neither shed nor demand", async () => {
  await using trial = await tryCompute({ workers: 1 })
  const hopeless = () =>
    trial.call("mispriced", { ms: 1_125_000, cpuMs: 0 }, { deadlineMs: 10_000 })
  const refused: Outcome = { kind: "too-costly", costMs: 1_125_000, timeAllowedMs: 10_000 }
  assert.deepEqual(await hopeless().outcome, refused)
  // Whatever is learnt, and whether or not there is anything to do.
  for (let n = 0; n < 3; n++) {
    assert.equal(await reasonOf(trial.call("mispriced", { ms: 1000, cpuMs: 0 })), "done")
  }
  const running = trial.call("polite")
  assert.deepEqual(await hopeless().outcome, refused)
  running.cancel()
  assert.deepEqual(trial.refusedCpuMs, [])
  assert.equal(await reasonOf(trial.call("mispriced", { ms: 10_000, cpuMs: 0 })), "done")
})

test("a correction that is far too large does not shut an operation whose cost fits", async () => {
  await using trial = await tryCompute({ workers: 1 })
  await trial.call("mispriced", { ms: 0.001, cpuMs: 50 }).outcome
  // By that the next one would take 500 s.
  const call = trial.call("mispriced", { ms: 10, cpuMs: 1 }, { deadlineMs: patienceMs() })
  assert.equal(await reasonOf(call), "done")
})

test("by its cost a call asks for one core until its deadline at most, refused or not", async () => {
  let nowMs = 0
  await using trial = await tryCompute({ workers: 1, queueMax: 0 }, () => nowMs)
  await trial.call("mispriced", { ms: 0.001, cpuMs: 50 }).outcome
  nowMs = 100_000
  const running = trial.call("polite")
  for (let n = 0; n < 3; n++) {
    const refused = trial.call("mispriced", { ms: 900, cpuMs: 0 }, { deadlineMs: 1000 })
    assert.equal(await reasonOf(refused), "queue-full")
  }
  assert.deepEqual(trial.refusedCpuMs, [1000, 1000, 1000])
  nowMs += 1000
  const { coresLastSecond } = trial.compute.demand()
  assert.ok(coresLastSecond >= 3 && coresLastSecond < 4, `${coresLastSecond} cores`)
  running.cancel()
})
