import assert from "node:assert/strict"
import { test } from "node:test"
import { toStandardJsonSchema } from "@valibot/to-json-schema"
import * as v from "valibot"
import * as z from "zod"
import { bytes, file, multipart, optionalFile } from "../../src/service/body.ts"
import { openApiDocument } from "../../src/service/http/openapi.ts"
import { type Operation, operation } from "../../src/service/operation.ts"
import type { Schema } from "../../src/service/schema.ts"
import { service } from "../../src/service/service.ts"
import { resolveSettings } from "../../src/service/settings.ts"
import { serveApi } from "../support/api.ts"
import { type Described, documentOf, type Json, lookUp, valid } from "../support/openapi.ts"

/** The description of one operation, out of a document that an independent validator accepts. */
async function describe(it: Operation): Promise<Described> {
  const document = await valid(documentOf({ it }))
  return document.paths[it.path]?.[it.method.toLowerCase()] as Described
}

const output = z.object({ n: z.int() })
const run = () => ({ n: 1 })

test("an operation has the error responses that can happen to it, and no others", async () => {
  for (const [it, statuses] of [
    [operation({ method: "GET", path: "/a", thread: "main", output, run }), "200 400 406 431 500"],
    [
      operation({
        method: "GET",
        path: "/async",
        thread: "main",
        output,
        run: async () => ({ n: 1 }),
      }),
      "200 400 406 431 500 504",
    ],
    [operation({ path: "/b", run() {} }), "204 400 431 500 503 504"],
    [
      operation({ path: "/c", body: z.any(), output, run }),
      "200 400 406 408 413 415 422 431 500 503 504",
    ],
    [
      operation({
        path: "/d",
        body: bytes("image/png"),
        output: bytes("image/*"),
        run: () => new Uint8Array(),
      }),
      "200 400 406 408 413 415 431 500 503 504",
    ],
    [
      operation({
        method: "GET",
        path: "/e/{id}",
        params: z.object({ id: z.int() }),
        output,
        problems: { 404: "There is no such thing.", 422: "It is too sad." },
        run,
      }),
      "200 400 404 406 422 431 500 503 504",
    ],
  ] as const) {
    const { responses } = await describe(it)
    assert.equal(Object.keys(responses).sort().join(" "), statuses, it.path)
  }
})

test("that a cost may be beyond the deadline is said where there is one", async () => {
  const costly = { path: "/costly", body: bytes("*/*"), run() {} }
  const priced = await describe(operation({ ...costly, cost: () => 1 }))
  assert.match(priced.responses[422].description, /More work than .* by the request's deadline/)
  const schema = { $ref: "#/components/schemas/InvalidInput" }
  assert.deepEqual(priced.responses[422].content, { "application/problem+json": { schema } })
  assert.ok(!("422" in (await describe(operation(costly))).responses))
  assert.ok(
    !("422" in (await describe(operation({ ...costly, thread: "main", cost: () => 1 }))).responses),
  )
  const sad = operation({ ...costly, cost: () => 1, problems: { 422: "It is too sad." } })
  assert.match((await describe(sad)).responses[422].description, /too sad[\s\S]*deadline/)
})

test("a problem of an operation's own is described, beside what is shared", async () => {
  const { responses } = await describe(
    operation({
      path: "/",
      body: z.any(),
      problems: { 404: "Not here.", 422: "Too sad.", 503: "Closed." },
      run() {},
    }),
  )
  assert.equal(responses[404].description, "Not here.")
  assert.match(responses[422].description, /^Too sad\.\n\nOr: Well-formed/)
  assert.deepEqual(responses[422].content["application/problem+json"].schema, {
    anyOf: [
      { $ref: "#/components/schemas/InvalidInput" },
      { $ref: "#/components/schemas/Problem" },
    ],
  })
  assert.ok(responses[503].headers["retry-after"])
  assert.ok(responses[404].content["application/problem+json"])
})

test("responses say what comes with them", async () => {
  const document = await valid(
    documentOf({ it: operation({ path: "/", body: z.any(), output, run }) }),
  )
  const shared = document.components.responses as Record<
    string,
    { headers: object; content: object }
  >
  for (const { headers, content } of Object.values(shared)) {
    assert.ok("x-request-id" in headers)
    assert.deepEqual(Object.keys(content), ["application/problem+json"])
  }
  assert.ok("retry-after" in (shared.ServiceUnavailable?.headers ?? {}))
})

test("parameters come from the schemas, and the deadline header is always there", async () => {
  const { parameters } = await describe(
    operation({
      method: "GET",
      path: "/items/{id}",
      params: z.object({ id: z.int().describe("Its number.") }),
      query: z.object({ tags: z.array(z.string()).optional(), q: z.string() }),
      headers: z.object({ "x-key": z.string(), accept: z.string() }),
      run() {},
    }),
  )
  const [id, tags, q, key, last] = parameters as [Json, Json, Json, Json, Json]
  assert.deepEqual(
    [id.name, id.in, id.required, id.description],
    ["id", "path", true, "Its number."],
  )
  assert.equal((id.schema as Json).type, "integer")
  assert.deepEqual([tags.name, tags.in, tags.required], ["tags", "query", false])
  assert.deepEqual([q.name, q.required], ["q", true])
  assert.deepEqual([key.name, key.in, key.required], ["x-key", "header", true])
  assert.deepEqual(last, { $ref: "#/components/parameters/TimeAllowed" })
  assert.equal(parameters.length, 5)
})

const byIdOrName = z.discriminatedUnion("by", [
  z.object({ by: z.literal("id"), key: z.number() }),
  z.object({ by: z.literal("name"), key: z.string(), exact: z.boolean().optional() }),
  z.object({ by: z.literal("url"), key: z.string(), depth: z.int() }),
])

test("a query that is a union has the parameters of all branches", async () => {
  const { parameters } = await describe(
    operation({ method: "GET", path: "/", query: byIdOrName, run() {} }),
  )
  const [by, key, exact, depth, ...rest] = parameters as Json[]
  assert.deepEqual(by, {
    name: "by",
    in: "query",
    required: true,
    schema: { type: "string", enum: ["id", "name", "url"] },
  })
  assert.deepEqual([key?.name, key?.required], ["key", true])
  assert.deepEqual(key?.schema, { anyOf: [{ type: "number" }, { type: "string" }] })
  assert.deepEqual([exact?.name, exact?.required], ["exact", false])
  assert.equal(exact?.description, "Only where `by` is `name`.")
  assert.deepEqual([depth?.name, depth?.required], ["depth", false])
  assert.equal(depth?.description, "Only where `by` is `url`, and required there.")
  assert.equal(rest.length, 1)
})

test("a query of any names is one object, beside the parameters that have names", async () => {
  const { parameters } = await describe(
    operation({
      method: "GET",
      path: "/",
      query: z.object({ a: z.string() }).catchall(z.number()),
      run() {},
    }),
  )
  const [a, others] = parameters as Json[]
  assert.equal(a?.name, "a")
  assert.deepEqual(others, {
    name: "query",
    in: "query",
    style: "form",
    explode: true,
    schema: { type: "object", additionalProperties: { type: "number" } },
  })
})

test("a form that is a union has the fields of all branches, and its branches beside them", async () => {
  const document = await valid(
    documentOf({
      it: operation({
        path: "/",
        body: multipart({ fields: byIdOrName, files: { image: file() } }),
        run() {},
      }),
      loose: operation({
        path: "/loose",
        body: multipart({ fields: z.union([z.object({ a: z.int() }), z.object({ b: z.int() })]) }),
        run() {},
      }),
    }),
  )
  const schemaAt = (path: string): Json => {
    const post = document.paths[path]?.post as Described | undefined
    return post?.requestBody.content["multipart/form-data"].schema
  }
  const schema = schemaAt("/")
  assert.deepEqual(Object.keys(schema.properties as Json), ["by", "key", "exact", "depth", "image"])
  assert.deepEqual(schema.required, ["by", "key", "image"])
  const { propertyName, mapping } = schema.discriminator as {
    propertyName: string
    mapping: Record<string, string>
  }
  assert.equal(propertyName, "by")
  assert.deepEqual(Object.keys(mapping), ["id", "name", "url"])
  const branches = Object.values(mapping)
  assert.deepEqual(
    schema.oneOf,
    branches.map(($ref) => ({ $ref })),
  )
  const [id] = branches.map((reference) => lookUp(document, reference) as Json)
  assert.deepEqual(Object.keys(id?.properties as Json), ["by", "key", "image"])
  const loose = schemaAt("/loose")
  assert.deepEqual(Object.keys(loose.properties as Json), ["a", "b"])
  assert.equal((loose.anyOf as Json[]).length, 2)
})

test("bodies are JSON, bytes or forms", async () => {
  const json = await describe(
    operation({
      path: "/",
      body: z.object({ n: z.int() }).optional(),
      examples: { one: { summary: "The first.", body: { n: 1 } }, none: { output: { n: 2 } } },
      output,
      run,
    }),
  )
  assert.equal(json.requestBody.required, false)
  assert.match(
    json.requestBody.description,
    /1048576 bytes.*`application\/\*\+json` is read as JSON/,
  )
  assert.deepEqual(json.requestBody.content["application/json"].examples, {
    one: { summary: "The first.", value: { n: 1 } },
  })
  const raw = await describe(
    operation({ path: "/", body: bytes("image/png", "text/*"), bodyBytesMax: 5, run() {} }),
  )
  assert.equal(raw.requestBody.required, true)
  assert.match(raw.requestBody.description, /\b5 bytes/)
  const onMain = { path: "/", thread: "main", run() {} } as const
  const parsedThere = await describe(operation({ ...onMain, body: z.object({ n: z.int() }) }))
  assert.match(parsedThere.requestBody.description, /\b4096 bytes/)
  const rawThere = await describe(operation({ ...onMain, body: bytes("*/*") }))
  assert.match(rawThere.requestBody.description, /\b1048576 bytes/)
  assert.deepEqual(Object.keys(raw.requestBody.content), ["image/png", "text/*"])
  const form = await describe(
    operation({
      path: "/",
      body: multipart({
        fields: z.object({ width: z.int() }),
        files: { image: file("image/png", "image/jpeg"), mask: optionalFile() },
      }),
      run() {},
    }),
  )
  const { schema, encoding } = form.requestBody.content["multipart/form-data"]
  assert.deepEqual(Object.keys(schema.properties), ["width", "image", "mask"])
  assert.deepEqual(schema.required, ["width", "image"])
  assert.deepEqual(encoding, { image: { contentType: "image/png, image/jpeg" } })
})

test("each part of an input has its examples, by their names", async () => {
  const { parameters } = await describe(
    operation({
      method: "GET",
      path: "/items/{id}",
      params: z.object({ id: z.int() }),
      query: z.object({ tags: z.array(z.string()) }).catchall(z.number().or(z.array(z.string()))),
      headers: z.object({ "x-key": z.string().optional() }),
      examples: {
        usual: {
          summary: "The usual",
          params: { id: 7 },
          query: { tags: ["a", "b"], other: 1 },
          headers: { "x-key": "k" },
        },
        another: { params: { id: 8 } },
      },
      run() {},
    }),
  )
  const usual = (value: unknown) => ({ usual: { summary: "The usual", value } })
  assert.deepEqual(
    parameters.slice(0, 4).map(({ name, examples }) => [name, examples]),
    [
      ["id", { ...usual(7), another: { value: 8 } }],
      ["tags", usual(["a", "b"])],
      ["query", usual({ other: 1 })],
      ["x-key", usual("k")],
    ],
  )
})

test("an example's text stands in the document, and of a file which one it is", async () => {
  const png = new URL("./cat.png", import.meta.url)
  const { requestBody, responses } = await describe(
    operation({
      path: "/",
      body: bytes("image/png", "text/*"),
      output: bytes("image/png"),
      examples: {
        cat: { summary: "A cat", body: { bytes: png, mediaType: "image/png" } },
        text: { body: { bytes: "a,b", mediaType: "text/csv" }, output: new Uint8Array(5) },
      },
      run: () => new Uint8Array(),
    }),
  )
  const cat = { summary: "A cat", description: "A file, cat.png, image/png." }
  assert.deepEqual(requestBody.content["image/png"].examples, { cat })
  assert.deepEqual(requestBody.content["text/*"].examples, { text: { value: "a,b" } })
  assert.deepEqual(responses[200].content["image/png"].examples, {
    text: { description: "A file, image/png, 5 bytes." },
  })

  const form = await describe(
    operation({
      path: "/",
      body: multipart({
        fields: z.object({
          width: z.int(),
          note: z.string().meta({ examples: ["own"] }),
          sizes: z.array(z.int()).optional(),
        }),
        files: { image: file(), text: optionalFile() },
      }),
      examples: {
        one: { body: { fields: { width: 5, note: "a" }, files: { image: png, text: "hi" } } },
        two: { body: { fields: { width: 6, note: "b" }, files: { image: "<svg/>" } } },
      },
      run() {},
    }),
  )
  const { schema, examples, encoding } = form.requestBody.content["multipart/form-data"]
  assert.deepEqual(examples, {
    one: {
      description: "`image`: A file, cat.png, application/octet-stream.",
      value: { width: 5, note: "a", image: "cat.png", text: "hi" },
    },
    two: { value: { width: 6, note: "b", image: "<svg/>" } },
  })
  // By these Swagger UI fills in its form, and sends a list as one.
  assert.deepEqual(encoding, { sizes: { style: "form", explode: true } })
  assert.deepEqual(schema.properties.width.examples, [5, 6])
  assert.deepEqual(schema.properties.note.examples, ["own"])
})

test("a stream is both NDJSON and events, of one item's schema", async () => {
  const { responses } = await describe(
    operation({
      method: "GET",
      path: "/",
      output,
      *run() {
        yield { n: 1 }
      },
    }),
  )
  assert.deepEqual(Object.keys(responses[200].content), [
    "application/x-ndjson",
    "text/event-stream",
  ])
})

test("texts, tags and names are in their places", async () => {
  const document = await valid(
    documentOf({
      one: operation({
        path: "/one",
        summary: "One.",
        description: "The *first*.",
        tags: ["a", "b"],
        run() {},
      }),
      two: operation({ method: "GET", path: "/one", tags: ["b"], run() {} }),
    }),
  )
  assert.deepEqual(document.info, { title: "Trial", version: "1.0.0", description: "All of it." })
  assert.deepEqual(document.tags, [{ name: "a" }, { name: "b" }])
  assert.deepEqual(Object.keys(document.paths["/one"] ?? {}), ["post", "get"])
  const post = document.paths["/one"]?.post as Record<string, unknown>
  assert.deepEqual(
    [post.operationId, post.summary, post.description, post.tags],
    ["one", "One.", "The *first*.", ["a", "b"]],
  )
})

test("a schema that has no JSON Schema is named when the server starts", async () => {
  const bare = {
    "~standard": {
      version: 1,
      vendor: "bare",
      validate: (value: unknown) => ({ value }),
      jsonSchema: {
        input() {
          throw new Error("can't")
        },
        output() {
          throw new Error("can't")
        },
      },
    },
  } as const
  const it = operation({ path: "/", body: bare, run() {} })
  await assert.rejects(serveApi({ it }, { docs: "on" }), /The body of operation "it": .*can't/)
})

test("a query of too many branches is named, with what to do", () => {
  const either = (at: number) =>
    v.union([v.object({ [`a${at}`]: v.number() }), v.object({ [`b${at}`]: v.number() })])
  const query = toStandardJsonSchema(
    v.intersect([1, 2, 3, 4, 5, 6, 7, 8, 9].map(either) as unknown as [ReturnType<typeof either>]),
  )
  const it = operation({ method: "GET", path: "/", query, run() {} })
  assert.throws(
    () => documentOf({ it }),
    /The query of operation "it": it may be put together in more than 256 ways; use fewer unions/,
  )
})

test("what is served is what is printed", async () => {
  const operations = { it: operation({ path: "/", body: z.any(), output, run }) }
  await using api = await serveApi(operations, { docs: "on" })
  const { headers, json } = await api.call("GET", "/openapi.json")
  assert.equal(headers["content-type"], "application/json")
  const printed = openApiDocument(
    service({ title: "Trial", version: "1.0.0", operations }),
    resolveSettings({}),
  )
  assert.deepEqual(json, JSON.parse(JSON.stringify(printed)))
  assert.equal((await api.call("HEAD", "/openapi.json")).status, 200)
})

test("a schema is asked for its description once, though all who read by it need it", async () => {
  const asked: string[] = []
  const counted = (name: string, schema: Schema): Schema => {
    const { "~standard": standard } = schema
    const { jsonSchema } = standard
    const ask =
      (direction: "input" | "output") => (options: Parameters<typeof jsonSchema.input>[0]) => {
        asked.push(`${name} ${direction}`)
        return jsonSchema[direction](options)
      }
    return {
      "~standard": { ...standard, jsonSchema: { input: ask("input"), output: ask("output") } },
    }
  }
  const params = counted("params", z.object({ id: z.string() }))
  const query = counted("query", z.object({ limit: z.int().optional() }))
  const headers = counted("headers", z.object({ "last-event-id": z.string().optional() }))
  const body = counted("body", z.object({ n: z.int() }))
  const item = counted("item", z.object({ n: z.int() }))
  const fields = counted("fields", z.object({ n: z.int() }))
  const operations = {
    all: operation({
      path: "/{id}",
      params,
      query,
      headers,
      body,
      output: item,
      *run() {
        yield { n: 1 }
      },
    }),
    form: operation({ path: "/form/{id}", params, body: multipart({ fields }), output, run }),
  }
  await using api = await serveApi(operations, { docs: "on" })
  assert.equal((await api.call("GET", "/openapi.json")).status, 200)
  const inputs = ["params", "query", "headers", "body", "fields"]
  const expected = inputs.flatMap((name) => [`${name} input`, `${name} output`])
  assert.deepEqual(asked.toSorted(), [...expected, "item output"].toSorted())
})
