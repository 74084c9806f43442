/** What the main thread may read, by what schemas say of themselves. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { toStandardJsonSchema } from "@valibot/to-json-schema"
import { type } from "arktype"
import * as v from "valibot"
import * as z from "zod"
import { multipart } from "../../src/service/body.ts"
import { isQuickPattern } from "../../src/service/input/pattern.ts"
import { hereBytesMax, readHereBytesMax } from "../../src/service/input/place.ts"
import { operation } from "../../src/service/operation.ts"
import type { Schema } from "../../src/service/schema.ts"

const run = (): void => {}
const ofBody = (body: Schema) => hereBytesMax(operation({ path: "/", body, run }))

const point = z.object({ x: z.number(), y: z.number() })
const either = z.union([z.object({ a: z.int() }), z.object({ b: z.int() }), z.array(z.int())])
const tree = z.object({
  name: z.string(),
  get children() {
    return z.array(tree)
  },
})
const chain = z.object({
  get next() {
    return z.nullable(chain)
  },
})
const twice: z.ZodType<unknown> = z.union([
  z.object({
    get a() {
      return twice
    },
  }),
  z.object({
    get a() {
      return twice
    },
    b: z.int(),
  }),
])

test("little of plain data is read on the main thread, by any library", () => {
  for (const schema of [
    z.object({ n: z.number(), name: z.string().max(5), list: z.array(point) }),
    z.object({ a: z.string().default("x"), b: z.int().optional(), c: z.nullable(z.string()) }),
    z.object({ id: z.uuid(), on: z.iso.date(), at: z.iso.datetime() }),
    z.object({ clues: z.string().regex(/^[1-9.]{81}$/) }),
    z.union([z.string(), z.number()]),
    tree,
    chain,
    type({ n: "number", "name?": "string" }),
    toStandardJsonSchema(v.object({ n: v.number(), list: v.array(v.string()) })),
  ]) {
    assert.equal(ofBody(schema as Schema), readHereBytesMax)
  }
})

test("the more ways a union may have to be tried, the less", () => {
  assert.equal(ofBody(z.array(either)), Math.floor(readHereBytesMax / 3))
  assert.equal(
    ofBody(z.array(z.union([either, z.array(either)]))),
    Math.floor(readHereBytesMax / 6),
  )
})

test("nothing is, where little input may ask for a lot, or where the schema makes things of its own", () => {
  const pattern = z.string().regex(/^(a+)+$/)
  for (const schema of [
    z.object({ list: z.array(z.object({ pattern })) }),
    z.record(pattern, z.int()),
    z.email(),
    twice,
    z.string().transform((text) => new URL(text)),
    z.coerce.date(),
    z.any(),
    type({ a: /^(a+)+$/ }),
    type({ at: type("string").pipe((text) => new URL(text)) }),
    toStandardJsonSchema(v.object({ a: v.pipe(v.string(), v.regex(/^(a+)+$/)) })),
  ]) {
    assert.equal(ofBody(schema as Schema), 0)
  }
  const params = z.object({ id: pattern })
  assert.equal(hereBytesMax(operation({ path: "/{id}", params, run })), 0)
  assert.equal(hereBytesMax(operation({ path: "/", query: params, run })), 0)
  assert.equal(hereBytesMax(operation({ path: "/", headers: params, run })), 0)
  const form = multipart({ fields: params })
  assert.equal(hereBytesMax(operation({ path: "/", body: form, run })), 0)
})

test("an operation says it of its own schemas", () => {
  const body = point
  assert.equal(hereBytesMax(operation({ path: "/", body, validate: "worker", run })), 0)
  assert.equal(
    hereBytesMax(operation({ path: "/", body, validate: "auto", run })),
    readHereBytesMax,
  )
  // There is nothing to check.
  assert.equal(hereBytesMax(operation({ path: "/", validate: "worker", run })), readHereBytesMax)
  for (const wrong of [
    { validate: "main" as "auto" },
    { validate: "worker", thread: "main" } as const,
  ]) {
    assert.throws(() => operation({ path: "/", body, run, ...wrong }), /validate/)
  }
})

test("where a cost is to be told from the input, the main thread makes what the schema makes", () => {
  const body = z.string().transform((text) => text.length)
  const cost = ({ body }: { readonly body: number }) => body
  assert.equal(hereBytesMax(operation({ path: "/", body, cost, run })), readHereBytesMax)
})

test("tells patterns that are done soon", () => {
  for (const pattern of [
    "^a+$",
    "^[a-z]+(-x)?$",
    "^[1-9.]{81}$",
    "[0-9]{4}-[0-9]{2}",
    "^(a|b|c)$",
    "^(?:abc)*$",
    "\\(\\+\\*",
    "^[+*(]{3}$",
    "",
  ]) {
    assert.equal(isQuickPattern(pattern), true, pattern)
  }
  for (const pattern of [
    "^(a+)+$",
    "^(a*)*$",
    "^(a|a)*$",
    "^(a|aa)+$",
    "^(?:a?){40}a{40}$",
    "a?".repeat(30),
    "^(a|b|ab)*c$",
    "^.*.*x$",
    "a+b",
    "^(a{0,30}){0,30}$",
    "^x|a+b",
    "^(?<n>a+)\\k<n>$",
    "^(a)\\1+$",
    "^((a|b)){30}$",
    "^(?=(a+))+$",
  ]) {
    assert.equal(isQuickPattern(pattern), false, pattern)
  }
})
