/** When a change is told, by a clock that the test moves; the files and their changes are real. */
import assert from "node:assert/strict"
import { watch } from "node:fs"
import { join } from "node:path"
import { type TestContext, test } from "node:test"
import { setImmediate } from "node:timers/promises"
import { SourceWatch } from "../../src/cli/source-watch.ts"
import { TemporaryFolder } from "../support/cli.ts"
import { simulatedTimers } from "../support/simulated-timers.ts"

/** Saves a file, and resolves when it has been noticed. */
type Save = (name: string) => Promise<void>

function watched(t: TestContext, folder: TemporaryFolder) {
  const timers = simulatedTimers(t)
  const told: (readonly string[])[] = []
  const source = new SourceWatch(folder.path, {
    changed: (paths) => told.push(paths),
    tooMany: () => assert.fail("There is one folder."),
  })
  // Who watches later hears of it later.
  const noticed = new Set<string | null>()
  const other = watch(folder.path, (_, name) => noticed.add(name))
  t.after(() => {
    source.close()
    other.close()
  })
  const save: Save = async (name) => {
    noticed.clear()
    folder.write(name, "")
    while (!noticed.has(name)) await setImmediate()
  }
  return { told, save, tick: (ms: number) => timers.tick(ms) }
}

test("a change is told 50 ms after it, without looking for it again and again", async (t) => {
  using folder = new TemporaryFolder()
  const { told, save, tick } = watched(t, folder)
  await save("service.ts")
  tick(49)
  assert.deepEqual(told, [])
  tick(1)
  assert.deepEqual(told, [[join(folder.path, "service.ts")]])
})

test("changes in quick succession are told as one, when none has come for 50 ms", async (t) => {
  using folder = new TemporaryFolder()
  const { told, save, tick } = watched(t, folder)
  for (let change = 0; change < 10; change++) {
    await save("service.ts")
    tick(40)
    await save("other.ts")
    tick(40)
  }
  assert.deepEqual(told, [])
  tick(10)
  assert.deepEqual(told, [["service.ts", "other.ts"].map((name) => join(folder.path, name))])
  await save("other.ts")
  tick(50)
  assert.equal(told.length, 2)
})
