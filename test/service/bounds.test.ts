import assert from "node:assert/strict"
import { test } from "node:test"
import { bytes } from "../../src/service/body.ts"
import { assertMemoryFits, queueBytesMaxOf } from "../../src/service/bounds.ts"
import { operation } from "../../src/service/operation.ts"
import { service } from "../../src/service/service.ts"
import { resolveSettings, SettingError, type Settings } from "../../src/service/settings.ts"

const MiB = 2 ** 20

function boundOf(bodyBytesMax: number, options: Settings, thread: "worker" | "main" = "worker") {
  const upload = operation({ path: "/up", body: bytes("*/*"), bodyBytesMax, thread, run() {} })
  const bodiless = operation({ path: "/no", bodyBytesMax: 2 ** 31 - 1, run() {} })
  const small = operation({ path: "/small", body: bytes("*/*"), run() {} })
  const operations = { upload, bodiless, small }
  const of = service({ title: "Trial", version: "1.0.0", operations })
  return queueBytesMaxOf(of, resolveSettings({ options }))
}

test("left to itself, the bound on held bytes has room for the largest body that is accepted", () => {
  assert.equal(boundOf(1000, {}), 64 * MiB)
  assert.equal(boundOf(200 * MiB, {}), 200 * MiB)
  assert.equal(boundOf(1000, { bodyBytesMax: 300 * MiB }), 300 * MiB)
})

test("where it is set, it holds, and an operation that accepts more stops the start", () => {
  assert.equal(boundOf(200 * MiB, { queueBytesMax: 200 * MiB }), 200 * MiB)
  assert.throws(
    () => boundOf(200 * MiB, { queueBytesMax: 64 * MiB }),
    new SettingError(
      'The operation "upload" has bodyBytesMax 209715200, and queueBytesMax is 67108864: there could never be room for such a body. Set queueBytesMax to 209715200 or more or leave it out, or lower the operation\'s bodyBytesMax.',
    ),
  )
  assert.equal(boundOf(2000, { queueBytesMax: 1000 }, "main"), 1000)
})

test("a worker's memory beyond what there is stops the start, and names itself", () => {
  const layout = operation({ path: "/", ownWorkers: { memoryMiB: 512 }, run() {} })
  const of = service({ title: "Trial", version: "1.0.0", operations: { layout } })
  const fit = (memoryMiB: number | undefined, options: Settings = {}) =>
    assertMemoryFits({
      service: of,
      settings: resolveSettings({ options }),
      memoryBytes: memoryMiB && memoryMiB * MiB,
    })
  fit(undefined, { workerMemoryMiB: 1_048_576 })
  fit(512)
  fit(512, { workerMemoryMiB: 512 })
  const rest =
    "in all: a call that needs more would end the process, not its worker. Set it to less, leave it out, or give the process more memory."
  assert.throws(
    () => fit(512, { workerMemoryMiB: 4096 }),
    new SettingError(`workerMemoryMiB is 4096, and this process may use 512 MiB ${rest}`),
  )
  assert.throws(
    () => fit(511),
    new SettingError(
      `The operation "layout": ownWorkers.memoryMiB is 512, and this process may use 511 MiB ${rest}`,
    ),
  )
})
