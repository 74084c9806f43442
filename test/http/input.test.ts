import assert from "node:assert/strict"
import { test } from "node:test"
import { toStandardJsonSchema } from "@valibot/to-json-schema"
import { type } from "arktype"
import * as v from "valibot"
import * as z from "zod"
import { multipart } from "../../src/service/body.ts"
import { operation } from "../../src/service/operation.ts"
import { problem } from "../../src/service/problem.ts"
import type { Schema } from "../../src/service/schema.ts"
import { serveApi } from "../support/api.ts"

const echo = {
  output: z.any(),
  run: (input: unknown) => input,
} as const

test("path, query, headers and body arrive checked, each in its place", async () => {
  await using api = await serveApi({
    all: operation({
      ...echo,
      path: "/items/{id}/{part}",
      params: z.object({ id: z.int(), part: z.string() }),
      query: z.object({
        deep: z.boolean(),
        tag: z.array(z.string()),
        limit: z.number().optional(),
      }),
      headers: z.strictObject({ "x-level": z.int(), "x-names": z.array(z.string()).optional() }),
      body: z.object({ text: z.string().transform((text) => text.toUpperCase()) }),
    }),
  })
  const { status, json } = await api.call("POST", "/items/7/a%20b?deep=true&tag=one&limit=2.5", {
    json: { text: "hi", more: 1 },
    headers: { "x-level": "3", "x-names": "anna, bob" },
  })
  assert.equal(status, 200)
  assert.deepEqual(json, {
    path: { id: 7, part: "a b" },
    query: { deep: true, tag: ["one"], limit: 2.5 },
    headers: { "x-level": 3, "x-names": ["anna", "bob"] },
    body: { text: "HI" },
  })
})

test("all that is wrong is reported at once", async () => {
  await using api = await serveApi({
    all: operation({
      ...echo,
      path: "/items/{id}",
      params: z.object({ id: z.int() }),
      query: z.object({ limit: z.int().max(10) }),
      headers: z.object({ "x-level": z.int() }),
      body: z.object({ n: z.int(), list: z.array(z.object({ name: z.string() })) }),
    }),
  })
  const { status, headers, json } = await api.call("POST", "/items/seven?limit=11", {
    json: { n: "1", list: [{ name: "a" }, {}] },
  })
  assert.equal(status, 422)
  assert.equal(headers["content-type"], "application/problem+json")
  assert.deepEqual(
    json.errors.map(({ path, code }: { path: unknown; code: unknown }) => ({ path, code })),
    [
      { path: ["body", "n"], code: "invalid_type" },
      { path: ["body", "list", 1, "name"], code: "invalid_type" },
      { path: ["path", "id"], code: "invalid_type" },
      { path: ["query", "limit"], code: "too_big" },
      { path: ["headers", "x-level"], code: "invalid_type" },
    ],
  )
  for (const error of json.errors) assert.equal(typeof error.message, "string")
  assert.deepEqual(
    { type: json.type, title: json.title, status: json.status },
    { type: "about:blank", title: "Unprocessable Entity", status: 422 },
  )
})

const libraries: Readonly<Record<string, { query: Schema; body: Schema }>> = {
  zod: {
    query: z.object({ n: z.number(), on: z.boolean() }),
    body: z.object({ name: z.string() }),
  },
  arktype: {
    query: type({ n: "number", on: "boolean" }),
    body: type({ name: "string" }),
  },
  valibot: {
    query: toStandardJsonSchema(v.object({ n: v.number(), on: v.boolean() })),
    body: toStandardJsonSchema(v.object({ name: v.string() })),
  },
}

for (const [library, { query, body }] of Object.entries(libraries)) {
  test(`schemas of ${library} check, coerce and say what is wrong`, async () => {
    await using api = await serveApi({ it: operation({ ...echo, path: "/", query, body }) })
    const good = await api.call("POST", "/?n=1.5&on=false", { json: { name: "x" } })
    assert.equal(good.status, 200)
    assert.deepEqual(good.json, { query: { n: 1.5, on: false }, body: { name: "x" } })
    const bad = await api.call("POST", "/?n=one&on=maybe", { json: { name: 1 } })
    assert.equal(bad.status, 422)
    const paths = bad.json.errors.map(({ path }: { path: string[] }) => path.join("."))
    assert.deepEqual(new Set(paths), new Set(["body.name", "query.n", "query.on"]))
  })
}

const byIdOrName: Readonly<Record<string, Schema>> = {
  zod: z.discriminatedUnion("by", [
    z.object({ by: z.literal("id"), key: z.number(), at: z.tuple([z.number(), z.number()]) }),
    z.object({ by: z.literal("name"), key: z.string(), exact: z.boolean().optional() }),
  ]),
  arktype: type({ by: "'id'", key: "number", at: ["number", "number"] }).or({
    by: "'name'",
    key: "string",
    "exact?": "boolean",
  }),
  valibot: toStandardJsonSchema(
    v.variant("by", [
      v.object({
        by: v.literal("id"),
        key: v.number(),
        at: v.tuple([v.number(), v.number()]),
      }),
      v.object({ by: v.literal("name"), key: v.string(), exact: v.optional(v.boolean()) }),
    ]),
  ),
}

for (const [library, schema] of Object.entries(byIdOrName)) {
  test(`each branch of a union of ${library} reads a query and a form by its own types`, async () => {
    await using api = await serveApi({
      query: operation({ ...echo, method: "GET", path: "/query", query: schema }),
      form: operation({ ...echo, path: "/form", body: multipart({ fields: schema }) }),
    })
    for (const [sent, wanted] of [
      ["by=id&key=5&at=1&at=2.5", { by: "id", key: 5, at: [1, 2.5] }],
      ["by=name&key=5", { by: "name", key: "5" }],
      ["by=name&key=x&exact=true", { by: "name", key: "x", exact: true }],
    ] as const) {
      const query = await api.call("GET", `/query?${sent}`)
      assert.deepEqual(query.json, { query: wanted }, query.text)
      const form = new FormData()
      for (const [name, value] of new URLSearchParams(sent)) form.append(name, value)
      const response = await fetch(`${api.url}/form`, { method: "POST", body: form })
      assert.deepEqual(await response.json(), { body: { fields: wanted, files: {} } })
    }
    const wrong = await api.call("GET", "/query?by=id&key=x&at=1&at=2")
    assert.equal(wrong.status, 422)
    assert.deepEqual(
      wrong.json.errors.map(({ path }: { path: string[] }) => path),
      [["query", "key"]],
    )
  })
}

test("what JSON Schema can't tell of a branch, the schema itself decides", async () => {
  const even = z.number().refine((n) => n % 2 === 0)
  await using api = await serveApi({
    it: operation({
      ...echo,
      method: "GET",
      path: "/",
      query: z.union([z.strictObject({ n: even }), z.strictObject({ n: z.string() })]),
    }),
    one: operation({
      ...echo,
      method: "GET",
      path: "/one",
      query: z.object({ a: z.union([z.url(), z.number()]), b: z.union([z.number(), z.email()]) }),
    }),
  })
  assert.deepEqual((await api.call("GET", "/?n=4")).json, { query: { n: 4 } })
  assert.deepEqual((await api.call("GET", "/?n=5")).json, { query: { n: "5" } })
  assert.deepEqual((await api.call("GET", "/one?a=5&b=6")).json, { query: { a: 5, b: 6 } })
})

test("a list among the headers is split wherever the schema says that it is one", async () => {
  await using api = await serveApi({
    it: operation({
      ...echo,
      method: "GET",
      path: "/",
      headers: z.object({
        "x-numbers": z.array(z.number()).nullable().optional(),
        "x-pair": z.tuple([z.number(), z.boolean()]).optional(),
        "x-text": z.union([z.string(), z.array(z.string())]).optional(),
      }),
    }),
  })
  const { json } = await api.call("GET", "/", {
    headers: { "x-numbers": "1, 2", "x-pair": "3,true", "x-text": "a, b" },
  })
  assert.deepEqual(json, {
    headers: { "x-numbers": [1, 2], "x-pair": [3, true], "x-text": "a, b" },
  })
})

for (const [library, body] of Object.entries({
  zod: z.array(z.union([z.string(), z.object({ a: z.number() })])),
  arktype: type("string[]"),
  valibot: toStandardJsonSchema(v.array(v.string())),
} satisfies Record<string, Schema>)) {
  test(`a body of which everything is wrong by ${library} is answered by the first 100 of it and a count`, async () => {
    await using api = await serveApi({ it: operation({ ...echo, path: "/", body }) })
    // More than a stack takes as arguments of one call.
    const count = 200_000
    const { status, json, bytes } = await api.call("POST", "/", { json: Array(count).fill(1) })
    assert.equal(status, 422)
    assert.equal(json.errors.length, 100)
    assert.deepEqual(json.errors[99].path, ["body", 99])
    assert.equal(json.errorsLeftOut, count - 100)
    assert.match(json.detail, /the first 100 of 200000\./)
    assert.ok(bytes.length < 100_000)
  })
}

test("what is wrong in several places is cut as a whole", async () => {
  await using api = await serveApi({
    it: operation({
      ...echo,
      path: "/",
      query: z.object({ n: z.number() }),
      body: z.array(z.string()),
    }),
  })
  const some = await api.call("POST", "/", { json: Array(99).fill(1) })
  assert.equal(some.json.errors.length, 100)
  assert.deepEqual(some.json.errors[99].path, ["query", "n"])
  assert.ok(!("errorsLeftOut" in some.json))
  const many = await api.call("POST", "/", { json: Array(100).fill(1) })
  assert.equal(many.json.errors.length, 100)
  assert.equal(many.json.errorsLeftOut, 1)
})

test("long names and values in what is wrong do not come back a hundred times", async () => {
  await using api = await serveApi({
    it: operation({
      ...echo,
      path: "/",
      body: z.record(z.string(), z.array(z.string())),
    }),
    strict: operation({ ...echo, path: "/strict", body: z.strictObject({}) }),
    ark: operation({ ...echo, path: "/ark", body: type("'a'[]") }),
  })
  const long = "🙂".repeat(100_000)
  const keys = await api.call("POST", "/", { json: { [long]: Array(200).fill(1) } })
  assert.equal(keys.status, 422)
  assert.equal(keys.json.errors.length, 100)
  assert.ok(keys.bytes.length < 200_000, String(keys.bytes.length))
  for (const path of ["/strict", "/ark"]) {
    const json = path === "/ark" ? [long] : { [long]: 1 }
    const messages = await api.call("POST", path, { json })
    assert.equal(messages.status, 422)
    assert.ok(messages.bytes.length < 10_000, String(messages.bytes.length))
  }
})

test("an empty body is undefined to its schema", async () => {
  await using api = await serveApi({
    needed: operation({ ...echo, path: "/needed", body: z.object({}) }),
    optional: operation({ ...echo, path: "/optional", body: z.object({}).optional() }),
  })
  const missing = await api.call("POST", "/needed")
  assert.equal(missing.status, 422)
  assert.deepEqual(missing.json.errors[0].path, ["body"])
  assert.equal((await api.call("POST", "/optional")).status, 200)
  const typed = { headers: { "content-type": "application/json" } }
  assert.equal((await api.call("POST", "/optional", typed)).status, 200)
})

test("asynchronous schemas are waited for", async () => {
  await using api = await serveApi({
    it: operation({
      ...echo,
      path: "/",
      body: z.string().refine(async (text) => text.length > 2, "too short"),
    }),
  })
  assert.equal((await api.call("POST", "/", { json: "long" })).status, 200)
  const short = await api.call("POST", "/", { json: "s" })
  assert.equal(short.json.errors[0].message, "too short")
})

test("a schema that throws is a bug of the service: 500, and the stack in the log only", async () => {
  await using api = await serveApi({
    it: operation({
      ...echo,
      path: "/",
      body: z.string().refine(() => {
        throw new TypeError("secret reason")
      }),
    }),
  })
  const { status, json, headers } = await api.call("POST", "/", { json: "x" })
  assert.equal(status, 500)
  assert.equal(json.requestId, headers["x-request-id"])
  assert.doesNotMatch(JSON.stringify(json), /secret|TypeError|input\.test/)
  const line = api.logged.find(({ err }) => err !== undefined) as { err: { stack: string } }
  assert.match(line.err.stack, /TypeError: secret reason\n.*input\.test/)
})

test("a problem thrown by a schema is the client's", async () => {
  await using api = await serveApi({
    it: operation({
      ...echo,
      path: "/",
      body: z.string().refine(() => {
        throw problem(409, "Taken.")
      }),
    }),
  })
  const { status, json } = await api.call("POST", "/", { json: "x" })
  assert.deepEqual({ status, detail: json.detail }, { status: 409, detail: "Taken." })
})

test("a header schema in capitals is refused when the server starts", async () => {
  const loud = operation({ ...echo, path: "/", headers: z.object({ "X-Key": z.string() }) })
  await assert.rejects(serveApi({ loud }), /"loud".*"X-Key".*lower case/)
})

test("names that reach for a prototype are refused in every part", async () => {
  await using api = await serveApi({
    it: operation({
      ...echo,
      path: "/",
      query: z.looseObject({}),
      body: z.looseObject({}),
    }),
  })
  const json = (body: string) =>
    api.call("POST", "/", { body, headers: { "content-type": "application/json" } })
  for (const body of [
    '{"__proto__": {"polluted": true}}',
    '{"a": {"b": [{"__proto__": {"polluted": true}}]}}',
    '{"constructor": {"prototype": {"polluted": true}}}',
    '{"\\u005f_proto__": {"polluted": true}}',
  ]) {
    const answer = await json(body)
    assert.equal(answer.status, 400, body)
    assert.match(answer.json.detail, /__proto__/)
  }
  const query = await api.call("POST", "/?__proto__=1&__proto__=2", { json: {} })
  assert.equal(query.status, 400)
  assert.equal((await json('{"constructor": "a word"}')).status, 200)
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
})
