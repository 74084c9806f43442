import assert from "node:assert/strict"
import { test } from "node:test"
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib"
import { toStandardJsonSchema } from "@valibot/to-json-schema"
import { type } from "arktype"
import * as v from "valibot"
import * as z from "zod"
import { makeItem, makeReply } from "../../src/service/answer.ts"
import { bytes } from "../../src/service/body.ts"
import { type Operation, operation } from "../../src/service/operation.ts"
import type { Encoding, Reply } from "../../src/service/outcome.ts"
import { serveApi } from "../support/api.ts"

function answering(output: Operation["output"]): Operation {
  return operation({ method: "GET", path: "/it", output: output as z.ZodAny, run: () => 1 })
}

async function bytesOf(operation: Operation, value: unknown, encoding?: Encoding) {
  const reply = await makeReply(operation, value, encoding)
  assert.equal(reply.kind, "bytes")
  return reply as Extract<Reply, { kind: "bytes" }>
}

const decompress: Record<Encoding, (bytes: Uint8Array) => Buffer> = {
  zstd: zstdDecompressSync,
  br: brotliDecompressSync,
  gzip: gunzipSync,
}

test("an output goes through its schema", async () => {
  const shaped = answering(z.object({ n: z.int(), at: z.date().transform((at) => at.getTime()) }))
  const reply = await makeReply(shaped, { n: 1, at: new Date(5), secret: 1 }, undefined)
  assert.deepEqual(reply, { kind: "json", text: '{"n":1,"at":5}' })
  assert.equal(await makeItem(shaped, { n: 2, at: new Date(0) }), '{"n":2,"at":0}')
})

test("no output, and an output of nothing, are empty", async () => {
  assert.deepEqual(await makeReply(answering(undefined), 1, undefined), { kind: "empty" })
  const optional = answering(z.string().optional())
  assert.deepEqual(await makeReply(optional, undefined, "gzip"), { kind: "empty" })
  await assert.rejects(makeItem(optional, undefined), /no JSON/)
})

test("an output that is not what was promised names the operation and what is wrong", async () => {
  const shaped = answering(z.object({ list: z.array(z.int()) }))
  await assert.rejects(
    makeReply(shaped, { list: [1, "2"] }, undefined),
    /Operation GET \/it: its output does not fit its schema: output\.list\.1: /,
  )
  const loose = answering(z.any())
  await assert.rejects(makeReply(loose, 1n, undefined), /GET \/it.*JSON.*BigInt/)
  const circle: { self?: unknown } = {}
  circle.self = circle
  await assert.rejects(makeReply(loose, circle, undefined), /GET \/it.*circular/)
})

test("of an output in which everything is wrong, the log gets the beginning and a count", async () => {
  const shaped = answering(z.array(z.int()))
  await assert.rejects(
    makeReply(shaped, Array(200_000).fill("x"), undefined),
    ({ message }: Error) => {
      assert.match(message, /output\.0: .*; and 199990 more\.$/)
      return message.length < 2000
    },
  )
})

class Account {
  readonly #balance = 5
  get balance(): number {
    return this.#balance
  }
}

const circle: { self?: unknown } = {}
circle.self = circle

test("what JSON would lose without a word fails with the field's name", async () => {
  const any = answering(z.any())
  for (const [value, what] of [
    [new Map([["a", 1]]), /a Map; return Object\.fromEntries/],
    [new Set([1]), /a Set; return \[\.\.\.set\]/],
    [1n, /a BigInt/],
    [Number.NaN, /NaN; return null/],
    [Number.NEGATIVE_INFINITY, /-Infinity/],
    [() => 1, /a function/],
    [Symbol("s"), /a symbol/],
    [new Account(), /an instance of Account that has no fields/],
    [new WeakMap(), /an instance of WeakMap/],
    [Promise.resolve(1), /a Promise; await it/],
    [new RangeError("far"), /an Error/],
    [/a/, /a RegExp/],
    [new Uint8Array(2), /bytes \(Uint8Array\); .* bytes\(\)/],
    [new ArrayBuffer(2), /bytes \(ArrayBuffer\)/],
    [new Date(Number.NaN), /a Date that is invalid/],
    [circle, /circular/],
  ] as const) {
    for (const [output, path] of [
      [{ ok: [1, "null", null, {}], list: [{}, { it: value }] }, "output\\.list\\.1\\.it"],
      [[[[]], [value]], "output\\.1\\.0"],
    ] as const) {
      const field = value === circle ? `${path}\\.self` : path
      await assert.rejects(makeReply(any, output, undefined), ({ message }: Error) => {
        assert.match(message, /^Operation GET \/it: its output can't be written as JSON: /)
        assert.match(message, new RegExp(`: ${field} is `))
        assert.match(message, what)
        return true
      })
      await assert.rejects(makeItem(any, output), what)
    }
  }
})

test("a toJSON that throws is told of with the operation", async () => {
  const value = {
    toJSON() {
      throw new Error("not me")
    },
  }
  await assert.rejects(
    makeReply(answering(z.any()), value, undefined),
    /GET \/it: its output can't be written as JSON: not me/,
  )
})

test("undefined is left out of an object, and can't be in a list", async () => {
  const schemas = [
    z.object({ a: z.int().optional(), list: z.array(z.int().optional()) }),
    type({ "a?": "number | undefined", list: "(number|undefined)[]" }),
    toStandardJsonSchema(
      v.object({ a: v.optional(v.number()), list: v.array(v.optional(v.number())) }),
    ),
  ]
  for (const it of schemas.map(answering)) {
    const reply = await makeReply(it, { a: undefined, list: [1] }, undefined)
    assert.deepEqual(reply, { kind: "json", text: '{"list":[1]}' })
    await assert.rejects(
      makeReply(it, { list: [1, undefined] }, undefined),
      /output\.list\.1 is undefined, in a list/,
    )
  }
})

test("a number that is none fails under any library's schema, and null under none that allows it", async () => {
  for (const schema of [
    toStandardJsonSchema(v.object({ n: v.nullable(v.number()) })),
    type({ n: "number | null" }),
    z.object({ n: z.custom<number | null>() }),
  ]) {
    const it = answering(schema)
    await assert.rejects(makeReply(it, { n: Number.POSITIVE_INFINITY }, undefined), /output\.n/)
    assert.deepEqual(await makeReply(it, { n: null }, undefined), {
      kind: "json",
      text: '{"n":null}',
    })
  }
})

test("what is no schema's field is looked at as well", async () => {
  const loose = [z.looseObject({ n: z.int() }), type({ n: "number" })]
  for (const it of loose.map(answering)) {
    await assert.rejects(
      makeReply(it, { n: 1, more: new Set() }, undefined),
      /output\.more is a Set/,
    )
  }
})

test("instances are written as their fields, and as their toJSON says", async () => {
  class Point {
    x = 1
    y = 2
  }
  class Hidden {
    readonly #at = 3
    toJSON() {
      return { at: this.#at, more: undefined }
    }
  }
  const value = {
    date: new Date(0),
    url: new URL("https://a.example"),
    point: new Point(),
    hidden: new Hidden(),
    bare: Object.assign(Object.create(null), { a: 1 }),
    boxed: Object("text"),
    same: [circle.self, circle.self].map(() => 1),
  }
  const reply = await makeReply(answering(z.any()), value, undefined)
  assert.deepEqual(JSON.parse(reply.kind === "json" ? reply.text : ""), {
    date: "1970-01-01T00:00:00.000Z",
    url: "https://a.example/",
    point: { x: 1, y: 2 },
    hidden: { at: 3 },
    bare: { a: 1 },
    boxed: "text",
    same: [1, 1],
  })
  const shared = { a: [] }
  await makeReply(answering(z.any()), [shared, shared, { shared }], undefined)
})

test("a value that is nested without end is looked through to its end", async () => {
  for (const [end, fails] of [
    [1, false],
    [new Set(), true],
  ] as const) {
    let deep: unknown = end
    for (let n = 0; n < 100_000; n++) deep = n % 2 === 0 ? [deep] : { deep }
    const reply = makeReply(answering(z.any()), deep, undefined)
    if (fails)
      await assert.rejects(
        reply,
        ({ message }: Error) => /is a Set/.test(message) && message.length < 1000,
      )
    else assert.equal((await reply).kind, "bytes")
  }
})

test("a client gets 500 for what can't be written, and the log the field", async () => {
  await using api = await serveApi({
    it: operation({
      method: "GET",
      path: "/it",
      output: z.object({ scores: z.map(z.string(), z.int()) }),
      run: () => ({ scores: new Map([["anna", 1]]) }),
    }),
  })
  const { status, text } = await api.call("GET", "/it")
  assert.equal(status, 500)
  assert.doesNotMatch(text, /scores/)
  assert.match(JSON.stringify(api.logged), /output\.scores is a Map/)
})

test("bytes own their buffer, and those that the service keeps stay where they are", async () => {
  const png = answering(bytes("image/png"))
  const whole = new Uint8Array(5000).fill(7)
  for (const part of [
    whole,
    whole.subarray(10, 20),
    new Uint8Array(new ArrayBuffer(10, { maxByteLength: 20 })),
    Buffer.from("pooled"),
    new Uint8Array(new SharedArrayBuffer(10)),
  ]) {
    const { bytes } = await bytesOf(png, part)
    assert.equal(bytes.buffer.byteLength, bytes.byteLength)
    assert.deepEqual([...bytes], [...part])
    const before = [...part]
    assert.doesNotThrow(() => structuredClone(bytes, { transfer: [bytes.buffer] }))
    assert.deepEqual([...part], before)
  }
})

test("an iterator is an error, not an empty answer", async () => {
  function* items() {
    yield 1
  }
  async function* later() {
    yield 1
  }
  const any = answering(z.any())
  for (const it of [any, answering(undefined), answering(bytes("image/png"))]) {
    for (const value of [items(), later(), [1].values(), new Blob(["x"]).stream()]) {
      await assert.rejects(makeReply(it, value, undefined), /iterator.*\*run/)
    }
  }
  for (const [value, text] of [
    [[1], "[1]"],
    ["text", '"text"'],
    [null, "null"],
    [{ next: 1 }, '{"next":1}'],
  ] as const) {
    assert.deepEqual(await makeReply(any, value, undefined), { kind: "json", text })
  }
})

test("bytes that were moved away already are an error, not an empty answer", async () => {
  const png = answering(bytes("image/png"))
  const cached = new Uint8Array(10)
  structuredClone(cached, { transfer: [cached.buffer] })
  await assert.rejects(makeReply(png, cached, undefined), /transferred.*slice/)
})

test("bytes say what they are where there is a choice", async () => {
  const images = answering(bytes("image/png", "text/*"))
  const one = new Uint8Array(1)
  assert.equal(
    (await bytesOf(images, { bytes: one, mediaType: "image/png" })).mediaType,
    "image/png",
  )
  const text = "text/plain; charset=utf-8"
  assert.equal((await bytesOf(images, { bytes: one, mediaType: text })).mediaType, text)
  await assert.rejects(
    makeReply(images, one, undefined),
    /without a media type.*image\/png, text\/\*/,
  )
  await assert.rejects(
    makeReply(images, { bytes: one, mediaType: "image/gif" }, undefined),
    /image\/gif/,
  )
  await assert.rejects(makeReply(images, "text", undefined), /Uint8Array/)
  await assert.rejects(makeReply(images, null, undefined), /Uint8Array/)
})

test("a string is sent as UTF-8, and a text's type says so", async () => {
  const html = answering(bytes("text/html"))
  const page = await bytesOf(html, "<p>é€😀</p>")
  assert.equal(Buffer.from(page.bytes).toString("utf8"), "<p>é€😀</p>")
  assert.equal(page.bytes.byteLength, page.bytes.buffer.byteLength)
  assert.equal(page.mediaType, "text/html; charset=utf-8")
  assert.equal((await bytesOf(html, "")).bytes.byteLength, 0)
  assert.equal((await bytesOf(html, new Uint8Array(1))).mediaType, "text/html")
  const packed = await bytesOf(html, "é".repeat(1000), "gzip")
  assert.equal(decompress.gzip(packed.bytes).toString(), "é".repeat(1000))

  const several = answering(bytes("text/*", "image/svg+xml"))
  for (const [mediaType, sent] of [
    ["text/csv", "text/csv; charset=utf-8"],
    ["text/csv; header=present", "text/csv; header=present; charset=utf-8"],
    ["text/csv; charset=UTF-8", "text/csv; charset=UTF-8"],
    ["image/svg+xml", "image/svg+xml"],
  ] as const) {
    assert.equal((await bytesOf(several, { bytes: "é", mediaType })).mediaType, sent)
  }
  await assert.rejects(
    makeReply(several, "é", undefined),
    /a string without a media type.*text\/\*/,
  )
  const latin = { bytes: "é", mediaType: "text/csv; charset=latin1" }
  await assert.rejects(makeReply(several, latin, undefined), /strings are sent as UTF-8/)
})

test("a page arrives as text, from either thread", async () => {
  const page = {
    method: "GET",
    path: "/page",
    output: bytes("text/html"),
    run: () => "<p>é</p>",
  } as const
  for (const thread of ["worker", "main"] as const) {
    await using api = await serveApi({ page: operation({ ...page, thread }) })
    const { headers, text } = await api.call("GET", "/page", { headers: { accept: "text/html" } })
    assert.deepEqual([headers["content-type"], text], ["text/html; charset=utf-8", "<p>é</p>"])
    assert.equal(headers["content-length"], "9")
  }
})

test("what is worth it is compressed, what is not is sent as it is", async () => {
  const json = answering(z.any())
  const binary = answering(bytes("text/plain"))
  const long = "long ".repeat(1000)
  for (const encoding of ["zstd", "br", "gzip"] as const) {
    const text = await bytesOf(json, long, encoding)
    assert.deepEqual([text.encoding, text.mediaType], [encoding, "application/json"])
    assert.equal(decompress[encoding](text.bytes).toString(), JSON.stringify(long))
    const raw = await bytesOf(binary, Buffer.from(long), encoding)
    assert.equal(raw.encoding, encoding)
    assert.equal(decompress[encoding](raw.bytes).toString(), long)
    assert.ok(raw.bytes.byteLength < long.length / 10)
    assert.equal(raw.bytes.buffer.byteLength, raw.bytes.byteLength)
    assert.equal((await makeReply(json, "short", encoding)).kind, "json")
    assert.equal((await bytesOf(binary, new Uint8Array(10), encoding)).encoding, undefined)
  }
})

test("an answer is compressed for operations that ask for it, as the client prefers", async () => {
  const long = { text: "long ".repeat(1000) }
  const common = { method: "GET", output: z.any(), run: () => long } as const
  await using api = await serveApi({
    packed: operation({ ...common, path: "/packed", compress: true }),
    plain: operation({ ...common, path: "/plain" }),
  })
  const get = (path: string, accept?: string) =>
    api.call("GET", path, accept === undefined ? {} : { headers: { "accept-encoding": accept } })
  const cases: readonly (readonly [string | undefined, Encoding | undefined])[] = [
    ["gzip, deflate, br, zstd", "zstd"],
    ["gzip, br", "br"],
    ["br;q=0.5, gzip", "gzip"],
    ["*", "zstd"],
    ["deflate", undefined],
    ["identity, gzip;q=0", undefined],
    ["zstd;q=0, *;q=0.1", "br"],
    [undefined, undefined],
  ]
  for (const [accept, encoding] of cases) {
    const { headers, bytes } = await get("/packed", accept)
    assert.equal(headers["content-encoding"], encoding, `${accept}`)
    assert.equal(headers.vary, "accept-encoding")
    assert.equal(headers["content-length"], String(bytes.length))
    const whole = encoding === undefined ? bytes : decompress[encoding](bytes)
    assert.deepEqual(JSON.parse(whole.toString()), long)
  }
  const plain = await get("/plain", "gzip")
  assert.deepEqual([plain.headers["content-encoding"], plain.headers.vary], [undefined, undefined])
})
