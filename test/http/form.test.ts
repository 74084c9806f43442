import assert from "node:assert/strict"
import { test } from "node:test"
import { toStandardJsonSchema } from "@valibot/to-json-schema"
import { type } from "arktype"
import * as v from "valibot"
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

const stamp = operation({
  path: "/stamp",
  body: multipart({
    fields: z.object({
      title: z.string(),
      note: z.string().optional(),
      opacity: z.number().default(0.5),
      meta: z.object({ a: z.number(), name: z.string().optional() }).optional(),
      sizes: z.array(z.number()).optional(),
      points: z.array(z.object({ x: z.number() })).optional(),
      either: z.union([z.boolean(), z.object({ on: z.boolean() })]).optional(),
      text: z.string().optional(),
    }),
    files: { document: file("text/plain"), mark: optionalFile("image/png") },
  }),
  output: z.any(),
  run: ({ body: { fields, files } }) => ({
    fields,
    document: files.document.filename,
    marked: files.mark !== undefined,
  }),
})

type RawPart = readonly [head: string, body: string]

const titled: RawPart = ['name="title"', "T"]
const document: RawPart = ['name="document"; filename="a.txt"\r\ncontent-type: text/plain', "hi"]

/** Parts as they are on the wire, since clients differ in what they make of the same form. */
async function post(api: ApiTrial, parts: readonly RawPart[]) {
  const text = parts.map(
    ([head, body]) => `--b\r\ncontent-disposition: form-data; ${head}\r\n\r\n${body}\r\n`,
  )
  return await api.call("POST", "/stamp", {
    body: `${text.join("")}--b--\r\n`,
    headers: { "content-type": "multipart/form-data; boundary=b" },
  })
}

test("a file that was not chosen and a field that was not filled in are not given", async () => {
  await using api = await serveApi({ stamp })
  for (const mark of [
    'name="mark"; filename=""\r\ncontent-type: application/octet-stream',
    'name="mark"; filename=""',
    'name="mark"\r\ncontent-type: application/octet-stream',
    'name="mark"\r\ncontent-type: application/json',
    'name="mark"',
  ]) {
    const { status, json } = await post(api, [
      titled,
      document,
      [mark, ""],
      ['name="note"', ""],
      ['name="opacity"', ""],
      ['name="meta"', ""],
      ['name="sizes"', ""],
      ['name="meta"; filename=""\r\ncontent-type: application/octet-stream', ""],
    ])
    assert.equal(status, 200, mark)
    assert.deepEqual(json, {
      fields: { title: "T", opacity: 0.5 },
      document: "a.txt",
      marked: false,
    })
  }
})

test("an empty file that has a name is a file, and a required text may be empty", async () => {
  await using api = await serveApi({ stamp })
  const { json } = await post(api, [
    ['name="title"', ""],
    document,
    ['name="mark"; filename="a.png"\r\ncontent-type: image/png', ""],
  ])
  assert.equal(json.marked, true)
  assert.deepEqual(json.fields, { title: "", opacity: 0.5 })
  const missing = await post(api, [titled, ['name="document"; filename=""', ""]])
  assert.equal(missing.status, 422)
  assert.deepEqual(
    missing.json.errors.map(({ path, code }: { path: string[]; code: string }) => [path, code]),
    [[["body", "document"], "missing_file"]],
  )
})

test("a field of JSON is parsed, by its type or because the schema wants an object or a list", async () => {
  await using api = await serveApi({ stamp })
  for (const [parts, wanted] of [
    [[['name="meta"\r\ncontent-type: application/json', '{"a":1}']], { meta: { a: 1 } }],
    [
      [
        [
          'name="meta"; filename="blob"\r\ncontent-type: application/json; charset=utf-8',
          '{"a":1}',
        ],
      ],
      { meta: { a: 1 } },
    ],
    [[['name="meta"', '{"a":1,"name":"5"}']], { meta: { a: 1, name: "5" } }],
    [[['name="sizes"', "[1, 2]"]], { sizes: [1, 2] }],
    [
      [
        ['name="sizes"', "1"],
        ['name="sizes"', "2"],
      ],
      { sizes: [1, 2] },
    ],
    [[['name="points"', '[{"x":1}]']], { points: [{ x: 1 }] }],
    [[['name="points"', '{"x":1}']], { points: [{ x: 1 }] }],
    [
      [
        ['name="points"', '{"x":1}'],
        ['name="points"; filename="blob"\r\ncontent-type: application/json', '{"x":2}'],
      ],
      { points: [{ x: 1 }, { x: 2 }] },
    ],
    [[['name="points"\r\ncontent-type: application/json', '[{"x":1}]']], { points: [{ x: 1 }] }],
    [[['name="either"', '{"on":true}']], { either: { on: true } }],
    [[['name="either"', "true"]], { either: true }],
    [[['name="text"', '{"a":1}']], { text: '{"a":1}' }],
    [[['name="text"\r\ncontent-type: application/json', '"5"']], { text: "5" }],
  ] as readonly (readonly [readonly RawPart[], object])[]) {
    const { status, json, text } = await post(api, [titled, document, ...parts])
    assert.equal(status, 200, text)
    assert.deepEqual(json.fields, { title: "T", opacity: 0.5, ...wanted })
  }
})

test("JSON in a form is held to what JSON in a body is", async () => {
  await using api = await serveApi({ stamp })
  const typed = 'name="meta"\r\ncontent-type: application/json'
  const deep = `${"[".repeat(100_000)}${"]".repeat(100_000)}`
  for (const [body, why] of [
    ["{", /the form's field "meta": The body is not JSON/],
    [deep, /nested too deep/],
    ['{"__proto__":{}}', /__proto__/],
  ] as const) {
    const { status, json } = await post(api, [titled, document, [typed, body]])
    assert.equal(status, 400)
    assert.match(json.detail, why)
    const untyped = await post(api, [titled, document, ['name="meta"', body]])
    assert.equal(untyped.status, 422)
    assert.deepEqual(untyped.json.errors[0].path, ["body", "meta"])
  }
  // What is within JSON has types of its own, and is not coerced.
  for (const head of [typed, 'name="meta"']) {
    const { status, json } = await post(api, [titled, document, [head, '{"a":"1"}']])
    assert.equal(status, 422)
    assert.deepEqual(json.errors[0].path, ["body", "meta", "a"])
  }
})

test("a file of JSON that is no field is no file of this form either", async () => {
  await using api = await serveApi({ stamp })
  const { status, json } = await post(api, [
    titled,
    document,
    ['name="other"; filename="a.json"\r\ncontent-type: application/json', "{}"],
  ])
  assert.equal(status, 422)
  assert.equal(json.errors[0].code, "unrecognized_file")
})

test("fields of JSON are read by schemas of every library", async () => {
  const schemas = [
    z.object({ meta: z.object({ a: z.number() }), n: z.number().optional() }),
    type({ meta: { a: "number" }, "n?": "number" }),
    toStandardJsonSchema(
      v.object({ meta: v.object({ a: v.number() }), n: v.optional(v.number()) }),
    ),
  ]
  for (const fields of schemas) {
    await using api = await serveApi({
      stamp: operation({
        path: "/stamp",
        body: multipart({ fields }),
        output: z.any(),
        run: ({ body }) => body.fields,
      }),
    })
    const sent = await post(api, [
      ['name="meta"', '{"a":1}'],
      ['name="n"', ""],
    ])
    assert.deepEqual(sent.json, { meta: { a: 1 } })
    const blob = new FormData()
    blob.append("meta", new Blob(['{"a":2}'], { type: "application/json" }))
    const response = await fetch(`${api.url}/stamp`, { method: "POST", body: blob })
    assert.deepEqual(await response.json(), { meta: { a: 2 } })
  }
})
