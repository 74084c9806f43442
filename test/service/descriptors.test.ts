import assert from "node:assert/strict"
import { test } from "node:test"
import { descriptorsMax, planDescriptors } from "../../src/service/descriptors.ts"

const wanted = { started: 3, connectionsMax: 10_000, others: 0 } as const

test("reads the limit that holds now", () => {
  const read = (limits: string) =>
    descriptorsMax((path) => (path === "/proc/self/limits" ? limits : undefined))
  const line = "Max open files            1024                 524288               files     \n"
  assert.equal(read(`Limit  Soft Limit  Hard Limit  Units\n${line}`), 1024)
  assert.equal(read(line.replace("1024", "unlimited")), undefined)
  assert.equal(
    descriptorsMax(() => undefined),
    undefined,
  )
})

test("where there is enough, there are as many connections as the settings say, and nothing to tell", () => {
  for (const limit of [undefined, 1_048_576]) {
    const { connectionsMax, shortage } = planDescriptors(limit, wanted)
    assert.deepEqual([connectionsMax, shortage], [10_000, undefined])
  }
})

test("where there is not, what it tells to allow is enough, and what to set it to is what there is", () => {
  for (const others of [0, 1] as const) {
    const { connectionsMax, shortage = "" } = planDescriptors(4096, { ...wanted, others })
    assert.ok(connectionsMax < 4096)
    const [, enough, instead] =
      /Allow it (\d+) .* set connectionsMax to (\d+) or less/.exec(shortage) ?? []
    assert.equal(planDescriptors(Number(enough), { ...wanted, others }).shortage, undefined)
    const less = { ...wanted, others, connectionsMax: Number(instead) }
    assert.deepEqual(planDescriptors(4096, less), {
      ...planDescriptors(4096, { ...wanted, others }),
      shortage: undefined,
    })
  }
})

test("however few there are, all that may be open is less, and something may", () => {
  for (const limit of [8, 64, 300, 1024, 20_000]) {
    for (const others of [0, 1] as const) {
      const plan = planDescriptors(limit, { ...wanted, others, started: 200 })
      const open = plan.connectionsMax + plan.managementConnectionsMax + others * plan.othersMax
      assert.ok(open < limit, `${open} of ${limit}`)
      assert.ok(Math.min(plan.connectionsMax, plan.managementConnectionsMax, plan.othersMax) > 0)
    }
  }
})
