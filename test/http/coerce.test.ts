import assert from "node:assert/strict"
import { test } from "node:test"
import * as z from "zod"
import { coercer } from "../../src/service/http/coerce.ts"
import { describe, type Schema } from "../../src/service/schema.ts"

function check(schema: Schema, cases: readonly (readonly [unknown, unknown])[]): void {
  const coerce = coercer(describe(z.object({ x: schema as z.ZodType }), "input", "it"))
  for (const [raw, wanted] of cases) {
    assert.deepEqual(coerce({ x: raw }).x, wanted, JSON.stringify(raw))
  }
}

test("a string is a number where JSON would write it so", () => {
  for (const schema of [z.number(), z.int(), z.number().optional(), z.number().nullable()]) {
    check(schema, [
      ["5", 5],
      ["-0.5", -0.5],
      ["1e3", 1000],
      ["0", 0],
      ["9007199254740993", 9007199254740992],
    ])
  }
})

test("what is no number of JSON's stays a string, for the schema to refuse", () => {
  const strings = ["", " ", " 5", "5 ", "0x10", "05", "+5", ".5", "5.", "1_000", "1e999", "NaN"]
  check(
    z.number(),
    [...strings, "Infinity", "-", "٣", "one"].map((text) => [text, text]),
  )
})

test("only true and false are booleans", () => {
  check(z.boolean(), [
    ["true", true],
    ["false", false],
    ["1", "1"],
    ["TRUE", "TRUE"],
    ["", ""],
  ])
})

test("a string stays one where a string is allowed", () => {
  check(z.string(), [["5", "5"]])
  check(z.union([z.number(), z.string()]), [["5", "5"]])
  check(z.union([z.number(), z.literal("auto")]), [
    ["5", 5],
    ["auto", "auto"],
  ])
  check(z.enum(["1", "2"]), [["1", "1"]])
})

test("literals tell what they want to be", () => {
  check(z.union([z.literal(1), z.literal(2), z.literal(false)]), [
    ["1", 1],
    ["false", false],
    ["x", "x"],
  ])
})

test("one value is a list where a list is wanted", () => {
  check(z.array(z.number()), [
    ["5", [5]],
    [
      ["5", "6", "x"],
      [5, 6, "x"],
    ],
  ])
  check(z.array(z.string()), [["a,b", ["a,b"]]])
  check(z.union([z.string(), z.array(z.string())]), [["a", "a"]])
})

test("two values where one is wanted stay two, for the schema to refuse", () => {
  check(z.number(), [
    [
      ["1", "2"],
      ["1", "2"],
    ],
  ])
})

test("it looks through references, intersections and schemas that refer to themselves", () => {
  const Tree = z.object({
    n: z.number(),
    get children() {
      return z.array(Tree).optional()
    },
  })
  const coerce = coercer(
    describe(z.intersection(Tree, z.object({ b: z.boolean() })), "input", "it"),
  )
  assert.deepEqual(coerce({ n: "1", b: "true" }), { n: 1, b: true })
  assert.deepEqual(coerce({}), {})
})
