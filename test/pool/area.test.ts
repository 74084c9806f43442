/** Large bytes on their way between processes. */
import assert from "node:assert/strict"
import { fstatSync, openSync } from "node:fs"
import { test } from "node:test"
import { Area, openArea } from "../../src/service/pool/area.ts"

const skip = process.platform === "linux" ? false : "only Linux has a place for it"
const large = (value: number, mebibytes = 1) => new Uint8Array(mebibytes * 2 ** 20).fill(value)

test("large bytes come out of a message and back to where they were, small ones stay", {
  skip,
}, () => {
  const area = openArea()!
  const when = new Date(0)
  const message = () => [
    1,
    "name",
    { files: { one: { bytes: large(1), when }, more: [{ bytes: large(2, 8) }] }, fields: { n: 1 } },
    { small: new Uint8Array([1, 2, 3]), map: new Map([["bytes", large(3)]]) },
  ]
  const given = message()
  const lifted = area.lift(given)
  assert.equal(lifted?.pieces.length, 2)
  assert.deepEqual(given, message(), "what was given is as it was")
  const received = structuredClone(lifted)
  assert.ok(JSON.stringify(received).length < 10_000)
  assert.deepEqual(area.unlift(received), message())
  assert.equal(fstatSync(area.fd).size, 0, "so much memory is given back")
  area.close()
})

test("without large bytes, and without room for them, a message goes whole", { skip }, () => {
  const area = openArea()!
  assert.equal(area.lift([1, { bytes: new Uint8Array(10) }, null, "text"]), undefined)
  area.close()
  const full = new Area(openSync("/dev/full", "r+"))
  assert.equal(full.lift({ bytes: large(1) }), undefined)
  full.close()
})
