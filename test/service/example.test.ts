import assert from "node:assert/strict"
import { test } from "node:test"
import { bytes, type Example, file, multipart, operation, optionalFile, service } from "capstan"
import * as z from "zod"
import { firstRequest } from "../../src/cli/example-request.ts"
import { checkExamples } from "../../src/service/input/examples.ts"
import type { Operation } from "../../src/service/operation.ts"
import { serveApi } from "../support/api.ts"

const png = new URL("../../examples/inference/line.png", import.meta.url)

const looked = {
  method: "GET",
  path: "/shops/{shop}/items/{id}:look",
  params: z.object({ shop: z.string(), id: z.int() }),
  query: z.object({ tags: z.array(z.string()).min(2), loud: z.boolean().optional() }),
  headers: z.object({ "x-list": z.array(z.int()).optional() }),
  output: z.any(),
} as const
const pictured = {
  path: "/pictures",
  body: bytes("image/png", "image/jpeg"),
  output: z.any(),
} as const
const form = multipart({
  fields: z.object({
    n: z.int(),
    list: z.array(z.int()),
    meta: z.object({ a: z.number() }),
    none: z.array(z.string()),
  }),
  files: { image: file("image/png"), note: optionalFile("text/plain"), more: optionalFile() },
})
const fields = { n: 5, list: [1, 2], meta: { a: 1.5 }, none: [] }

async function checked(it: Operation): Promise<void> {
  await checkExamples(service({ title: "Trial", version: "1.0.0", operations: { it } }))
}

test("an example is a request as the operation reads it, whatever it is made of", async () => {
  const operations = {
    look: operation({
      ...looked,
      examples: {
        part: { query: { tags: ["a", "b"] } },
        whole: {
          params: { shop: "a/b ü%25", id: 7 },
          query: { tags: ["x y", "&"], loud: true },
          headers: { "x-list": [1, 2] },
        },
      },
      run: (input) => input,
    }),
    picture: operation({
      ...pictured,
      examples: { line: { body: { bytes: png, mediaType: "image/png" } } },
      run: ({ body }) => [body.mediaType, body.bytes.length],
    }),
    text: operation({
      path: "/text",
      body: bytes("text/csv"),
      output: z.string(),
      examples: { it: { body: "é,1\n" } },
      run: ({ body }) => `${body.mediaType} ${Buffer.from(body.bytes)}`,
    }),
    form: operation({
      path: "/form",
      body: form,
      output: z.any(),
      examples: { all: { body: { fields, files: { image: png, note: "héllo" } } } },
      run({ body: { fields, files } }) {
        const { image, note } = files
        const sizes = [image.filename, image.bytes.length, note?.filename, note?.bytes.length]
        return [fields, sizes, files.more === undefined]
      },
    }),
    json: operation({
      path: "/json",
      body: z.object({ n: z.int() }),
      output: z.any(),
      examples: { documented: { output: { n: 1 } }, sent: { body: { n: 1 } } },
      run: ({ body }) => body,
    }),
    bare: operation({
      path: "/bare",
      body: z.object({ n: z.int() }).optional(),
      output: z.any(),
      examples: { nothing: {} },
      run: ({ body }) => body === undefined,
    }),
  }
  await using api = await serveApi(operations)
  const answers: Record<string, unknown> = {}
  for (const [name, it] of Object.entries(operations)) {
    const first = await firstRequest(name, it)
    assert.ok(first, name)
    const answer = await fetch(new URL(first.path, api.url), first.request)
    answers[`${name} ${first.example}`] = await answer.json()
  }
  assert.deepEqual(answers, {
    "look whole": {
      path: { shop: "a/b ü%25", id: 7 },
      query: { tags: ["x y", "&"], loud: true },
      headers: { "x-list": [1, 2] },
    },
    "picture line": ["image/png", 1672],
    "text it": "text/csv é,1\n",
    "form all": [fields, ["line.png", 1672, "note", 6], true],
    "json sent": { n: 1 },
    "bare nothing": true,
  })
})

test("an example that lacks something is for reading, and is not sent", async () => {
  const named = { method: "GET", path: "/{name}", params: z.object({ name: z.string() }) } as const
  for (const it of [
    operation({ ...named, examples: { none: {} }, run() {} }),
    operation({ ...pictured, examples: { answer: { output: 5 } }, run() {} }),
    operation({ path: "/form", body: form, examples: { none: {} }, run() {} }),
    operation({ path: "/none", run() {} }),
  ]) {
    await checked(it)
    assert.equal(await firstRequest("it", it), undefined, it.path)
  }
})

const jpeg = { bytes: png, mediaType: "image/jpeg" }
const missing = new URL("./missing.png", import.meta.url)
/** As JavaScript may have them. */
const wrong = (config: object): Operation => operation({ run() {}, ...config } as never)

for (const [why, it, message] of [
  [
    "a parameter",
    wrong({ ...looked, examples: { it: { params: { shop: "a", id: "b" } } } }),
    /^Operation "it": its example "it" is not what it takes: params\.id: .*number.*\. Correct/,
  ],
  [
    "a parameter of the path that is empty",
    wrong({ ...looked, examples: { it: { params: { shop: "", id: 1 } } } }),
    /params: a parameter of the path is missing or empty/,
  ],
  [
    "a part of another name",
    wrong({ ...looked, examples: { it: { path: { shop: "a", id: 1 } } } }),
    /it can't have path, only summary, params, query, headers, body, output/,
  ],
  [
    "a query, though nothing else is given",
    wrong({ ...looked, examples: { it: { query: { tags: ["a"] } } } }),
    /takes: query\.tags: [^;]*\. Correct/,
  ],
  [
    "an object in a query",
    wrong({ ...looked, examples: { it: { query: { tags: { a: 1 } } } } }),
    /query\.tags: an object can't be written there/,
  ],
  [
    "a header's characters",
    wrong({ ...looked, examples: { it: { headers: { "x-list": "€" } } } }),
    /headers\.x-list: a header can't have all of these characters/,
  ],
  [
    "a body that nobody reads",
    wrong({ ...looked, examples: { it: { body: 5 } } }),
    /body is given, and the operation has no schema for it/,
  ],
  [
    "a body",
    wrong({ path: "/", body: z.object({ n: z.int() }), examples: { it: { body: { n: 0.5 } } } }),
    /takes: body\.n: /,
  ],
  [
    "an output",
    wrong({ path: "/", output: z.object({ n: z.int() }), examples: { it: { output: { n: "" } } } }),
    /takes: output\.n: /,
  ],
  [
    "bytes of a type that is not said",
    wrong({ ...pictured, examples: { it: { body: png } } }),
    /body: say by mediaType which of image\/png, image\/jpeg it is/,
  ],
  [
    "bytes of another type",
    wrong({ path: "/", body: bytes("image/png"), examples: { it: { body: jpeg } } }),
    /body: its mediaType is image\/jpeg, which must be image\/png/,
  ],
  [
    "a file that is not there",
    wrong({ path: "/", body: bytes("image/png"), examples: { it: { body: missing } } }),
    /body: \/.*\/test\/service\/missing\.png does not exist/,
  ],
  [
    "a file from a network",
    wrong({ path: "/", body: bytes("*/*"), examples: { it: { body: new URL("http://a/b") } } }),
    /body: it must have bytes, a text, or the file: URL/,
  ],
  [
    "a form's field and its files",
    wrong({
      path: "/",
      body: form,
      examples: { it: { body: { fields: { ...fields, n: "x" }, files: { image: png } } } },
    }),
    /takes: body\.fields\.n: /,
  ],
  [
    "a form's files",
    wrong({
      path: "/",
      body: form,
      examples: { it: { body: { fields, files: { note: jpeg, other: png } } } },
    }),
    /note: its mediaType is .*; body\.files\.other: there is no such.*; body\.files\.image is missing/,
  ],
] as const) {
  test(`an example that its operation would refuse is named: ${why}`, async () => {
    await assert.rejects(checked(it), (error: Error) => {
      assert.ok(error instanceof TypeError)
      assert.match(error.message, message)
      return true
    })
    assert.equal(await firstRequest("it", it), undefined)
  })
}

test("a server does not start with an example that is wrong", async () => {
  const it = wrong({ path: "/", body: z.object({ n: z.int() }), examples: { it: { body: {} } } })
  await assert.rejects(serveApi({ it }), /its example "it" is not what it takes: body\.n/)
})

test("what schemas can't say at the start is left to calls", async () => {
  const slow = z.string().refine(async () => await new Promise<boolean>(() => {}))
  const broken = z.string().refine(() => {
    throw new Error("no database")
  })
  const dear = z.string().refine(() => assert.fail("was asked on the main thread"))
  for (const [body, validate] of [
    [slow, "auto"],
    [broken, "auto"],
    [dear, "worker"],
  ] as const) {
    await checked(
      operation({ path: "/", body, validate, examples: { it: { body: "a" } }, run() {} }),
    )
  }
})

test("an example has the types of its operation", () => {
  const _all: Example<typeof looked.params, typeof looked.query>[] = [
    { params: { shop: "a", id: 1 }, query: { tags: [] } },
    // @ts-expect-error: a parameter of another type
    { params: { shop: "a", id: "1" } },
    // @ts-expect-error: a parameter that is missing
    { params: { shop: "a" } },
    // @ts-expect-error: one that nobody knows
    { query: { tags: [], quiet: true } },
    // @ts-expect-error: a body where there is none
    { body: 1 },
  ]
  const _forms: Example<undefined, undefined, undefined, typeof form>[] = [
    { body: { fields, files: { image: png, more: { bytes: "a", filename: "a.txt" } } } },
    // @ts-expect-error: without the file that has to be there
    { body: { fields, files: {} } },
    // @ts-expect-error: a file that nobody knows
    { body: { fields, files: { image: png, other: png } } },
    // @ts-expect-error: without its fields
    { body: { files: { image: png } } },
    // @ts-expect-error: a path is a text like any other
    { body: { fields, files: { image: { path: "./a.png" } } } },
  ]
  const fromCode = operation({
    ...pictured,
    examples: {
      it: { body: { bytes: new Uint8Array(), mediaType: "image/png" } },
      // @ts-expect-error: neither bytes nor a file
      other: { body: 5 },
    },
    run() {},
  })
  assert.equal(fromCode.path, "/pictures")
})
