import assert from "node:assert/strict"
import { test } from "node:test"
import { bytes, multipart, operation, optionalFile } from "capstan"
import { load } from "capstan/load"
import * as z from "zod"
import { serve } from "../../src/index.ts"
import { messageBase, messageOf } from "../../src/load/client/message.ts"
import type { Plan } from "../../src/load/config.ts"
import { scenarioFromOpenApi } from "../../src/load/scenario/openapi.ts"
import { type JsonSchema, Sampler } from "../../src/load/scenario/sample.ts"
import type { RequestOptions, User } from "../../src/load/scenario/scenario.ts"
import { serveApi } from "../support/api.ts"
import { eventually } from "../support/cli.ts"
import { loadTarget } from "../support/load-target.ts"
import { documentOf } from "../support/openapi.ts"
import { patienceMs } from "../support/patience.ts"
import { read, root } from "../support/repository.ts"

const sample = (schema: JsonSchema, root: unknown) => new Sampler(root).sample(schema)

/** What a document's tasks send in `turns` turns each. */
async function sent(document: unknown, turns = 1): Promise<unknown[]> {
  const seen: unknown[] = []
  const request = async (method: string, path: string, options: RequestOptions = {}) => {
    const { name, query, headers, body } = options
    seen.push({ method, path, name, query, headers, body })
  }
  for (const task of scenarioFromOpenApi(document).scenario?.tasks ?? []) {
    for (let turn = 0; turn < turns; turn++)
      await task.run({ request } as unknown as User, undefined)
  }
  return seen
}

test("the example's operations are sent with their examples in turn", async () => {
  const document = JSON.parse(read("examples/prime-factor/openapi.json"))
  const bodies = (await sent(document, 4)).map((request) => {
    const { method, path, body } = request as Record<string, unknown>
    return [method, path, body]
  })
  assert.deepEqual(bodies.slice(0, 4), [
    ["POST", "/api/v1/hello", "{}"],
    ["POST", "/api/v1/hello", '{"n":600851475143}'],
    ["POST", "/api/v1/hello", '{"n":9007199254740881}'],
    ["POST", "/api/v1/hello", "{}"],
  ])
  assert.deepEqual(bodies[4], ["GET", "/ping", undefined])
})

test("parameters and bodies without examples are made from their schemas", async () => {
  const document = {
    paths: {
      "/items/{id}": {
        parameters: [{ $ref: "#/components/parameters/Id" }],
        put: {
          parameters: [
            { name: "mode", in: "query", required: true, schema: { enum: ["fast", "slow"] } },
            { name: "trace", in: "query", schema: { type: "string" } },
            { name: "x-key", in: "header", required: true, example: "abc" },
          ],
          requestBody: {
            required: true,
            content: { "application/json": { schema: { $ref: "#/components/schemas/Item" } } },
          },
        },
      },
    },
    components: {
      parameters: {
        Id: { name: "id", in: "path", required: true, schema: { type: "integer", minimum: 7 } },
      },
      schemas: {
        Item: {
          type: "object",
          required: ["name", "tags", "at", "size"],
          properties: {
            name: { type: "string", minLength: 9 },
            tags: { type: "array", items: { const: "x" }, minItems: 2 },
            at: { type: "string", format: "date-time" },
            size: { anyOf: [{ type: "number", exclusiveMaximum: 0 }, { type: "null" }] },
            note: { type: "string" },
          },
        },
      },
    },
  }
  const [request] = (await sent(document)) as [Record<string, unknown>]
  assert.deepEqual(
    { ...request, body: Object.keys(JSON.parse(String(request.body))) },
    {
      method: "PUT",
      path: "/items/7",
      name: "/items/{id}",
      query: { mode: "fast" },
      headers: { "x-key": "abc", "content-type": "application/json" },
      body: ["name", "tags", "at", "size"],
    },
  )
  const body = JSON.parse(String(request.body))
  assert.deepEqual(
    [body.name, body.tags, body.at],
    ["capstanca", ["x", "x"], "2026-01-01T00:00:00Z"],
  )
  assert.ok(body.size < 0)
})

test("examples of the same name are one request, of parameters and bodies", async () => {
  const id = { name: "id", in: "path", required: true }
  const document = {
    components: { examples: { Seven: { value: 7 } } },
    paths: {
      "/items/{id}": {
        put: {
          parameters: [
            {
              ...id,
              examples: { a: { $ref: "#/components/examples/Seven" }, b: { value: "x/y" } },
            },
            { name: "tags", in: "query", examples: { a: { value: ["p", "q"] } } },
            { name: "sides", in: "query", explode: false, examples: { b: { value: [1, 2] } } },
            { name: "rest", in: "query", examples: { b: { value: { n: 1, on: true } } } },
            { name: "page", in: "query", example: 2 },
            { name: "sort", in: "query", schema: { type: "string", example: "up" } },
            { name: "deep", in: "query", style: "deepObject", example: { n: 1 } },
            { name: "x-list", in: "header", examples: { a: { value: ["k", "l"] } } },
          ],
          requestBody: { content: { "application/json": { examples: { b: { value: null } } } } },
        },
      },
    },
  }
  const seen = (await sent(document, 2)) as Record<string, unknown>[]
  assert.deepEqual(
    seen.map(({ path, query, headers, body }) => [path, query, headers, body]),
    [
      [
        "/items/7",
        { tags: ["p", "q"], page: "2" },
        { "x-list": "k,l", "content-type": "application/json" },
        "null",
      ],
      [
        "/items/x%2Fy",
        { sides: "1,2", n: "1", on: "true", page: "2" },
        { "content-type": "application/json" },
        "null",
      ],
    ],
  )
})

test("what a service gives as examples is what it is sent, forms and texts included", async () => {
  const form = multipart({
    fields: z.object({
      n: z.int(),
      list: z.array(z.int()),
      meta: z.object({ a: z.number() }),
      note: z.string().optional(),
    }),
    files: { mark: optionalFile() },
  })
  const operations = {
    look: operation({
      method: "GET",
      path: "/items/{id}",
      params: z.object({ id: z.int() }),
      query: z.object({ tags: z.array(z.string()), loud: z.boolean().optional() }),
      headers: z.object({ "x-key": z.string() }),
      output: z.any(),
      examples: {
        usual: {
          params: { id: 7 },
          query: { tags: ["a b", "&"], loud: true },
          headers: { "x-key": "k" },
        },
      },
      run: ({ path, query, headers }) => [path.id, query, headers],
    }),
    fill: operation({
      path: "/fill",
      body: form,
      output: z.any(),
      examples: {
        it: { body: { fields: { n: 5, list: [1, 2], meta: { a: 1 } }, files: { mark: "é" } } },
      },
      run: ({ body: { fields, files } }) => [fields, files.mark === undefined],
    }),
    text: operation({
      path: "/text",
      body: bytes("text/csv"),
      output: z.string(),
      examples: { it: { body: "é,1" } },
      run: ({ body }) => Buffer.from(body.bytes).toString(),
    }),
  }
  await using api = await serveApi(operations)
  const base = messageBase({ target: new URL(api.url), headers: {} } as Plan)
  const answers: unknown[] = []
  const request = async (method: string, path: string, options: RequestOptions = {}) => {
    const { headers, body, ...message } = messageOf(base, method, path, options, undefined)
    const { json } = await api.call(method as "POST", message.path, { headers, body })
    answers.push(json)
  }
  for (const task of scenarioFromOpenApi(documentOf(operations)).scenario?.tasks ?? []) {
    await task.run({ request } as unknown as User, undefined)
  }
  assert.deepEqual(answers, [
    [7, { tags: ["a b", "&"], loud: true }, { "x-key": "k" }],
    [{ n: 5, list: [1, 2], meta: { a: 1 } }, true],
    "é,1",
  ])
})

test("what can't be sent is left out, with its reason", () => {
  const json = (schema: object) => ({ content: { "application/json": { schema } }, required: true })
  const { scenario, notes } = scenarioFromOpenApi({
    paths: {
      "/a": { delete: {}, get: { deprecated: true } },
      "/b/{id}": {
        get: {
          parameters: [
            { name: "id", in: "path", required: true, schema: { type: "string", pattern: "^x" } },
          ],
        },
      },
      "/c": { post: { requestBody: { required: true, content: { "image/png": {} } } } },
      "/e": {
        post: {
          requestBody: {
            required: true,
            content: {
              "multipart/form-data": {
                schema: {
                  required: ["image"],
                  properties: { image: { type: "string", format: "binary" } },
                },
                examples: { one: { value: { image: "a.png" } } },
              },
            },
          },
        },
      },
      "/d": {
        post: { requestBody: json({ type: "object", required: ["x"], properties: { x: {} } }) },
      },
    },
  })
  assert.equal(scenario, undefined)
  assert.deepEqual(notes, [
    "GET /a is left out: it is deprecated.",
    "DELETE /a is left out: what deletes has to be asked for, in a scenario of your own.",
    'GET /b/{id} is left out: its path parameter "id" has no example, and none can be made from its schema.',
    "POST /c is left out: its body is image/png, and only JSON and forms can be made up.",
    "POST /e is left out: its form needs a file (image), and none can be made up.",
    "POST /d is left out: its body has no example, and none can be made from its schema.",
  ])
})

test("a schema that contains itself ends", () => {
  const root = {
    node: { type: "object", required: ["next"], properties: { next: { $ref: "#/node" } } },
  }
  assert.equal(sample({ $ref: "#/node" }, root), undefined)
})

test("a Capstan service is loaded with nothing but its URL", async () => {
  await using server = await serve(`${root}test/fixtures/load/unhurried.ts`, {
    // Workers that are nice get nothing while others on this machine want all of it.
    settings: {
      ...{ host: "127.0.0.1", port: 0, managementPort: 0, logLevel: "silent" },
      ...{ workers: 1, workerNice: 0, setupTimeoutMs: patienceMs(), deadlineMs: patienceMs() },
    },
    env: {},
  })
  // Tasks are chosen by chance, so it goes on until each has been.
  const stop = new AbortController()
  const running = load({ target: server.url, users: 4, spawnRate: 100 }, stop)
  const metrics = async () => await (await fetch(`${server.managementUrl}/metrics`)).text()
  await eventually(async () => {
    const text = await metrics()
    const isDone = (name: string) => new RegExp(`operation="${name}"[^\\n]*\\} [1-9]`).test(text)
    return (isDone("hello") && isDone("ping")) || undefined
  }, "both operations")
  stop.abort()
  const { rows, total, scenario } = await running
  assert.equal(scenario, "Unhurried")
  assert.equal(total.failures, 0)
  assert.deepEqual(rows.map(({ name }) => name).toSorted(), ["/api/v1/hello", "/ping"])
})

test("a target without a document is told apart from one that is not there", async () => {
  await using target = await loadTarget((_, response) => response.writeHead(404).end())
  await assert.rejects(load({ target: target.url }), /openapi\.json answers 404\. Write a scenario/)
  await using html = await loadTarget((_, response) => response.end("<html>"))
  await assert.rejects(load({ target: html.url }), /is not JSON/)
  await assert.rejects(
    load({ target: "http://127.0.0.1:9" }),
    /can't be read \(.*Is the target running/,
  )
})

test("of a document that asks for more than there is, what can't be made is left out, and soon", () => {
  const names = Array.from({ length: 20 }, (_, n) => `p${n}`)
  const self = { $ref: "#/components/schemas/self" }
  const schemas = {
    self: {
      type: "object",
      required: names,
      properties: Object.fromEntries(names.map((name) => [name, self])),
    },
  }
  const many = (items: unknown) => ({ type: "array", minItems: 1_000, items })
  const root = { components: { schemas } }
  for (const schema of [
    self,
    many(many(many({ type: "integer" }))),
    many({ type: "string", minLength: 100_000 }),
    many({ example: "x".repeat(100_000) }),
    { type: "array", minItems: 1e12, items: {} },
    { type: "array", minItems: "many", items: { type: "null" } },
    { type: "string", minLength: 1e12 },
    { type: "string", minLength: "x" },
    { enum: [] },
  ] as const) {
    assert.equal(sample(schema, root), undefined, JSON.stringify(schema).slice(0, 80))
  }
  // Each is small enough, and all together are not.
  const body = { content: { "application/json": { schema: many({ type: "integer" }) } } }
  const paths = Array.from({ length: 3_000 }, (_, n) => [`/${n}`, { post: { requestBody: body } }])
  const { scenario, notes } = scenarioFromOpenApi({ ...root, paths: Object.fromEntries(paths) })
  assert.ok((scenario?.tasks.length ?? 0) > 500)
  assert.ok(notes.some((note) => /POST \/2999 is left out/.test(note)))
})
