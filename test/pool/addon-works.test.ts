/** Which works of native addons count as under way. */
import assert from "node:assert/strict"
import { AsyncResource } from "node:async_hooks"
import { test } from "node:test"
import { AddonWorks } from "../../src/service/pool/addon-works.ts"
import { Flag, flagBytes } from "../../src/service/pool/protocol.ts"

/** As an addon's works and functions look to async_hooks: a plain object. */
function begin(type: string): void {
  Reflect.construct(AsyncResource, [type], Object)
}

test("what an addon begins while it is loaded lasts, and is no work that a thread waits for", async () => {
  const { dlopen } = process
  // An addon that is made with napi-rs has a function for its other threads to call.
  process.dlopen = (module, file) => {
    begin("CustomGC")
    if (file === "broken.node") throw new Error(`${module} has no such file.`)
  }
  try {
    const flags = new Int32Array(flagBytes / Int32Array.BYTES_PER_ELEMENT)
    const works = new AddonWorks(flags)
    process.dlopen({}, "addon.node")
    assert.throws(() => process.dlopen({}, "broken.node"), /no such file/)
    assert.equal(Atomics.load(flags, Flag.addonWorks), 0)
    await works.over()
    begin("work")
    assert.equal(Atomics.load(flags, Flag.addonWorks), 1)
  } finally {
    process.dlopen = dlopen
  }
})
