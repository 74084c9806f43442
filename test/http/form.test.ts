import assert from "node:assert/strict"
import { test } from "node:test"
import * as z from "zod"
import { file, multipart, optionalFile } from "../../src/service/body.ts"
import { operation } from "../../src/service/operation.ts"
import { type ApiTrial, serveApi } from "../support/api.ts"
import { RawClient, statusOf } from "../support/raw-client.ts"
import { simulatedTimers } from "../support/simulated-timers.ts"

const form = operation({
  path: "/form",
  body: multipart({
    fields: z.object({
      width: z.int(),
      tags: z.array(z.string()).optional(),
      sharp: z.boolean().optional(),
    }),
    files: { image: file("image/png", "image/jpeg"), mask: optionalFile() },
  }),
  output: z.any(),
  run: ({ body: { fields, files } }) => ({
    fields,
    image: {
      ...files.image,
      bytes: files.image.bytes.byteLength,
      alone: files.image.bytes.buffer.byteLength,
    },
    mask: files.mask?.filename ?? null,
  }),
})
const bare = operation({
  path: "/bare",
  body: multipart({ files: { one: file() } }),
  output: z.any(),
  run: ({ body }) => Object.keys(body),
})

type Part = string | { readonly bytes: number; readonly type: string; readonly name: string }

async function send(api: ApiTrial, path: string, parts: readonly (readonly [string, Part])[]) {
  const data = new FormData()
  for (const [name, part] of parts) {
    if (typeof part === "string") data.append(name, part)
    else data.append(name, new File([new Uint8Array(part.bytes)], part.name, { type: part.type }))
  }
  const response = await fetch(`${api.url}${path}`, { method: "POST", body: data })
  // biome-ignore lint/suspicious/noExplicitAny: any answer
  const json = (await response.json()) as any
  return { status: response.status, json }
}

const png = { bytes: 100_000, type: "image/png", name: "a.png" }

test("a form arrives as fields of the types that the schema wants, and files", async () => {
  await using api = await serveApi({ form })
  const { status, json } = await send(api, "/form", [
    ["width", "64"],
    ["tags", "a"],
    ["sharp", "true"],
    ["image", png],
    ["mask", { bytes: 3, type: "", name: "../mask.bin" }],
  ])
  assert.equal(status, 200)
  assert.deepEqual(json, {
    fields: { width: 64, tags: ["a"], sharp: true },
    image: { bytes: 100_000, alone: 100_000, mediaType: "image/png", filename: "a.png" },
    mask: json.mask,
  })
  assert.match(json.mask, /mask\.bin$/)
  const [call] = api.compute.calls
  const moved = call?.transfer.reduce((sum, { byteLength }) => sum + byteLength, 0) ?? 0
  assert.ok(moved >= 100_000, "the large file is moved")
  await api.untilRecords(1)
  assert.equal(api.compute.held, 0)
})

test("all that is wrong with a form is reported at once", async () => {
  await using api = await serveApi({ form, bare })
  const { status, json } = await send(api, "/form", [
    ["width", "wide"],
    ["image", { bytes: 1, type: "image/gif", name: "a.gif" }],
    ["mask", { bytes: 1, type: "", name: "a" }],
    ["mask", { bytes: 1, type: "", name: "b" }],
    ["spare", { bytes: 1, type: "", name: "c" }],
  ])
  assert.equal(status, 422)
  const found = json.errors.map(
    ({ path, code }: { path: string[]; code: string }) => `${path.join(".")} ${code}`,
  )
  assert.deepEqual(
    new Set(found),
    new Set([
      "body.width invalid_type",
      "body.image media_type",
      "body.mask repeated_file",
      "body.spare unrecognized_file",
    ]),
  )
  const missing = await send(api, "/bare", [["extra", "1"]])
  assert.equal(missing.status, 422)
  assert.deepEqual(
    missing.json.errors.map(({ path, code }: { path: string[]; code: string }) => [path, code]),
    [
      [["body", "one"], "missing_file"],
      [["body", "extra"], "unrecognized_field"],
    ],
  )
})

test("a form is bounded as a whole, however its length was declared", async (t) => {
  await using api = await serveApi({ form }, { bodyBytesMax: 50_000 })
  const { status } = await send(api, "/form", [
    ["width", "1"],
    ["image", png],
  ])
  assert.equal(status, 413)
  // Who lingers for a late client is not overtaken by a stall.
  simulatedTimers(t)
  using client = await RawClient.connect(api.port)
  client.write(
    "POST /form HTTP/1.1",
    "host: x",
    "content-type: multipart/form-data; boundary=b",
    "transfer-encoding: chunked",
    "",
    "",
  )
  const head =
    '--b\r\ncontent-disposition: form-data; name="image"; filename="a"\r\ncontent-type: image/png\r\n\r\n'
  client.write(head.length.toString(16), head, "")
  for (let n = 0; n < 20; n++) client.write((10_000).toString(16), "x".repeat(10_000), "")
  const received = await client.read()
  assert.equal(client.failed, undefined)
  assert.equal(statusOf(received), 413)
  await api.untilRecords(2)
  assert.equal(api.compute.held, 0)
})

test("a form with more files than a form may bring stops the start", async () => {
  const withFiles = (count: number) => {
    const files = Object.fromEntries(Array.from({ length: count }, (_, n) => [`f${n}`, file()]))
    return operation({ path: "/many", body: multipart({ files }), run() {} })
  }
  await using api = await serveApi({ many: withFiles(100) })
  assert.equal((await send(api, "/many", [["f0", "x"]])).status, 422)
  await assert.rejects(
    serveApi({ many: withFiles(101) }),
    new TypeError(
      'Operation "many": its form has 101 files, and a form may bring 100 at most; name fewer.',
    ),
  )
})

test("a form of too many parts is too large", async () => {
  await using api = await serveApi({ form })
  const { status, json } = await send(
    api,
    "/form",
    Array.from({ length: 1100 }, (_, n) => [`field${n}`, "x"] as const),
  )
  assert.equal(status, 413)
  assert.match(json.detail, /1000 fields/)
})

test("what is not a form is malformed, and a name that reaches for a prototype too", async () => {
  await using api = await serveApi({ form })
  const type = "multipart/form-data; boundary=b"
  for (const [contentType, body] of [
    ["multipart/form-data", "x"],
    [type, "x"],
    [type, '--b\r\ncontent-disposition: form-data; name="width"\r\n\r\n1'],
    [type, '--b\r\ncontent-disposition: form-data; name="image"; filename="a"\r\n\r\nhalf'],
    [type, '--b\r\ncontent-disposition: form-data; name="__proto__"\r\n\r\n1\r\n--b--\r\n'],
    [
      type,
      '--b\r\ncontent-disposition: form-data; name="width"\r\ncontent-type: application/json\r\n\r\n{\r\n--b--\r\n',
    ],
  ] as const) {
    const { status } = await api.call("POST", "/form", {
      body,
      headers: { "content-type": contentType },
    })
    assert.equal(status, 400, body)
  }
  const wrong = await api.call("POST", "/form", { json: {} })
  assert.equal(wrong.status, 415)
  assert.match(wrong.json.detail, /multipart\/form-data/)
})

test("an empty form is one without fields", async () => {
  await using api = await serveApi({ form })
  const { status, json } = await api.call("POST", "/form", {
    headers: { "content-type": "multipart/form-data; boundary=b" },
  })
  assert.equal(status, 422)
  assert.ok(json.errors.length >= 2)
})

test("a client that leaves in the middle of a form is recorded as one that left", async () => {
  await using api = await serveApi({ form })
  using client = await RawClient.connect(api.port)
  client.write(
    "POST /form HTTP/1.1",
    "host: x",
    "content-type: multipart/form-data; boundary=b",
    "content-length: 100000",
    "",
    '--b\r\ncontent-disposition: form-data; name="image"; filename="a"\r\ncontent-type: image/png\r\n\r\nhalf',
  )
  while (api.compute.held === 0) await new Promise(setImmediate)
  client.socket.destroy()
  const [record] = await api.untilRecords(1)
  assert.equal(record?.status, 499)
  assert.equal(api.compute.held, 0)
})
