import assert from "node:assert/strict"
import { test } from "node:test"
import { bytes } from "../../src/service/body.ts"
import { queueBytesMaxOf } from "../../src/service/bounds.ts"
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
