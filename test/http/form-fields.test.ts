import assert from "node:assert/strict"
import { test } from "node:test"
import { toStandardJsonSchema } from "@valibot/to-json-schema"
import { type } from "arktype"
import * as v from "valibot"
import * as z from "zod"
import { file, multipart, optionalFile } from "../../src/service/body.ts"
import { operation } from "../../src/service/operation.ts"
import { type ApiTrial, serveApi } from "../support/api.ts"

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
