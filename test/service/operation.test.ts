import assert from "node:assert/strict"
import { test } from "node:test"
import { bytes, multipart, operation, service } from "capstan"
import * as v from "valibot"
import * as z from "zod"
import * as mini from "zod/mini"

const run = () => {}

for (const [why, config, message] of [
  ["a path without a slash", { path: "hello" }, /path is "hello"; it must be a string that starts/],
  ["Express's parameters", { path: "/a/:id" }, /written with braces: \/images\/\{id\}/],
  ["a half parameter", { path: "/a-{id}" }, /whole segments in braces/],
  ["an escape that is none", { path: "/100%" }, /without a % that is not followed by two hex/],
  ["half a character", { path: "/%c3" }, /without a % that is not followed by two hex/],
  ["an escape behind a parameter", { path: "/{id}%2F" }, /without an escape behind \{id\}/],
  ["two parameters in a segment", { path: "/{a}-{b}" }, /whole segments in braces/],
  ["a parameter twice", { path: "/{a}/{a}", params: z.object({}) }, /without a second \{a\}/],
  [
    "a parameter without a schema",
    { path: "/{id}" },
    /params is undefined; it must be a schema with id/,
  ],
  ["an unknown method", { path: "/", method: "FETCH" }, /method is "FETCH"; it must be one of GET/],
  [
    "a GET with a body",
    { path: "/", method: "GET", body: z.any() },
    /body must be left out with GET/,
  ],
  [
    "no schema",
    { path: "/", query: {} },
    /query is \[object Object\]; it must be a Standard Schema/,
  ],
  [
    "a schema that can't describe itself",
    { path: "/", body: v.object({}) },
    /toStandardJsonSchema/,
  ],
  ["a form as an answer", { path: "/", output: multipart({}) }, /or made by bytes\(\)/],
  [
    "a deadline of nothing",
    { path: "/", deadlineMs: 0 },
    /deadlineMs is 0; it must be a whole number from 1/,
  ],
  ["no worker", { path: "/", ownWorkers: { count: 0 } }, /ownWorkers.count is 0/],
  [
    "an isolation that is none",
    { path: "/", ownWorkers: { isolation: "container" as "process" } },
    /ownWorkers.isolation is "container"; it must be "thread" or "process"/,
  ],
  [
    "an unknown thread",
    { path: "/", thread: "other" },
    /thread is "other"; it must be "worker" or "main"/,
  ],
  [
    "a setup on the main thread",
    { path: "/", thread: "main", setup: run },
    /setup must be left out when thread is/,
  ],
  [
    "a stream of nothing",
    { path: "/", *run() {} },
    /output is undefined; it must be the schema of one item/,
  ],
  [
    "a stream of bytes",
    { path: "/", output: bytes("image/png"), *run() {} },
    /the schema of one item/,
  ],
] as const) {
  test(`refuses ${why}, by field, value and what is allowed`, () => {
    // @ts-expect-error: most of these the compiler refuses as well.
    assert.throws(() => operation({ run, ...config }), { name: "TypeError", message })
  })
}

test("media types are checked where they are written", () => {
  assert.throws(() => bytes("png"), /bytes\(\): "png" is not a media type/)
  assert.throws(() => bytes("Image/PNG"), /in lower case/)
})

test("a service needs an operation, sound names and distinct routes", () => {
  const at = (path: string) =>
    operation({ path, params: z.object({ a: z.any(), b: z.any() }).partial(), run })
  const of = (operations: Parameters<typeof service>[0]["operations"]) => () =>
    service({ title: "T", version: "1", operations })
  assert.throws(of({}), /`operations` is empty/)
  assert.throws(of({ "not a name": at("/") }), /operation name "not a name" must be/)
  assert.throws(of({ one: at("/{a}"), two: at("/{a}") }), /"one" and "two" both answer POST/)
  assert.throws(of({ one: at("/{a}"), two: at("/{b}") }), /are the same path; give its parameters/)
  assert.throws(of({ one: at("/%61%2f"), two: at("/a%2F") }), /are the same path;.* escapes alike/)
  of({
    one: at("/{a}:x"),
    two: at("/{b}:y"),
    three: at("/{a}"),
    four: at("/%7B%7D"),
    five: at("/a"),
  })()
})

test("types follow from the schemas", () => {
  operation({
    path: "/{id}",
    params: z.object({ id: z.string() }),
    query: z.object({ width: z.number().optional() }),
    headers: z.object({ "x-tenant": z.string() }),
    body: multipart({ fields: z.object({ title: z.string() }), files: {} }),
    output: z.object({ done: z.boolean() }),
    setup: async () => ({ model: new Float32Array(1) }),
    dispose: ({ model }) => void (model satisfies Float32Array),
    run({ path, query, headers, body }, { state, signal }) {
      path.id satisfies string
      query.width satisfies number | undefined
      headers["x-tenant"] satisfies string
      body.fields.title satisfies string
      state.model satisfies Float32Array
      signal satisfies AbortSignal
      return { done: true }
    },
  })
  operation({
    path: "/wrong",
    output: z.object({ done: z.boolean() }),
    // @ts-expect-error: the output says otherwise.
    run: () => ({ done: "yes" }),
  })
  operation({ path: "/text", output: bytes("text/html"), run: () => "<p>" })
  operation({
    path: "/either",
    output: bytes("text/html", "image/png"),
    run: () => ({ bytes: "<p>", mediaType: "text/html" }),
  })
  operation({
    path: "/neither",
    output: bytes("text/html"),
    // @ts-expect-error: neither bytes nor text.
    run: () => 1,
  })
})

test("a schema of zod/mini is refused with where to import it from instead", () => {
  const body = mini.object({ n: mini.number() }) as never
  assert.throws(() => operation({ path: "/", body, run() {} }), /from zod and not from zod\/mini/)
})
