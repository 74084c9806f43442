/** Who is hired for what, and who goes, with workers that are what the test says. */
import assert from "node:assert/strict"
import { type TestContext, test } from "node:test"
import { Staff, type Wanted } from "../../src/service/pool/staff.ts"
import type { WorkerThread } from "../../src/service/pool/worker-thread.ts"
import { eventually } from "../support/cli.ts"
import { workerOptions } from "../support/pool.ts"

class FakeWorker {
  readonly wanted: Wanted
  state = "booting"
  operations: ReadonlySet<string>
  isLeaving = false
  readonly given = { lastId: 0, isPastFirst: false }
  outgrown: Error | undefined
  readonly memory = { isNear: false, look: async () => this.outgrown }
  fate: "kept" | "ended" | "rejected" = "kept"

  constructor(wanted: Wanted) {
    this.wanted = wanted
    this.operations = new Set(wanted.operations)
  }

  end(): void {
    this.fate = "ended"
  }

  reject(): void {
    this.fate = "rejected"
  }
}

const fault = { message: "the model is missing", stack: undefined }
const failed = [{ operations: ["classify"], fault }]

function tryStaff(t: TestContext, size: number) {
  const hired: FakeWorker[] = []
  const outgrown: string[] = []
  const staff = new Staff({
    pool: {
      ...workerOptions,
      operations: ["classify", "plain"],
      size,
      spares: 0,
      cancelGraceMs: 0,
    },
    clock: () => performance.now(),
    events: { workerOutgrown: (why) => outgrown.push(why) },
    serving: () => hired.filter(({ state }) => state === "idle").length,
    hire: (wanted) => {
      const worker = new FakeWorker(wanted)
      hired.push(worker)
      return worker as unknown as WorkerThread
    },
    dismiss: (worker) => {
      ;(worker as unknown as FakeWorker).isLeaving = true
    },
  })
  t.after(() => staff.end())
  const becomesReady = (worker: FakeWorker, without: typeof failed | [] = []) => {
    const lost = new Set(without.flatMap(({ operations }) => operations))
    worker.operations = new Set([...worker.operations].filter((name) => !lost.has(name)))
    worker.state = "idle"
    const isKept = staff.ready(worker as unknown as WorkerThread, without)
    if (isKept) staff.takeTurns()
    return isKept
  }
  return { staff, hired, outgrown, becomesReady }
}

test("one that was hired to do without is not kept when another has come to have it", async (t) => {
  const { staff, hired, becomesReady } = tryStaff(t, 2)
  staff.keepUp()
  assert.ok(becomesReady(hired[0]!, failed))
  staff.fill()
  const [first, second] = hired
  assert.deepEqual(second?.wanted.operations, ["plain"])
  const trial = await eventually(() => hired[2], "it to be tried again")
  assert.deepEqual(trial.wanted, {
    operations: ["classify", "plain"],
    required: ["classify", "plain"],
  })
  assert.ok(becomesReady(trial))
  assert.ok(first?.isLeaving)
  assert.equal(becomesReady(second!), false)
  assert.equal(second?.fate, "ended")
})

test("one that fails what another has is ended as one that can't boot", (t) => {
  const { staff, hired, becomesReady } = tryStaff(t, 2)
  staff.keepUp()
  staff.fill()
  assert.ok(becomesReady(hired[0]!))
  assert.equal(becomesReady(hired[1]!, failed), false)
  assert.equal(hired[1]?.fate, "rejected")
  assert.deepEqual(staff.setups.failing, [])
})

test("an idle one that has outgrown its memory by what calls have left gets no more of them", async (t) => {
  const { staff, hired, outgrown, becomesReady } = tryStaff(t, 1)
  staff.keepUp()
  const [one] = hired
  becomesReady(one!)
  one!.outgrown = new Error("too much")
  staff.hasHadTask()
  await eventually(() => one?.isLeaving || undefined, "it to be dismissed")
  assert.deepEqual(outgrown, ["too much"])
})
