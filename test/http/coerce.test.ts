import assert from "node:assert/strict"
import { test } from "node:test"
import * as z from "zod"
import { coercer, type Fields } from "../../src/service/input/coerce.ts"
import { describe, type JsonSchema, type Schema } from "../../src/service/schema.ts"

/** The reading that the schema is shown first. */
function reader(schema: JsonSchema): (fields: Fields) => Fields | undefined {
  const coerce = coercer(schema)
  return (fields) => Iterator.from(coerce(fields)).next().value
}

function check(schema: Schema, cases: readonly (readonly [unknown, unknown])[]): void {
  const coerce = reader(describe(z.object({ x: schema as z.ZodType }), "input", "it"))
  for (const [raw, wanted] of cases) {
    assert.deepEqual(coerce({ x: raw })?.x, wanted, JSON.stringify(raw))
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
  const coerce = reader(describe(z.intersection(Tree, z.object({ b: z.boolean() })), "input", "it"))
  assert.deepEqual(coerce({ n: "1", b: "true" }), { n: 1, b: true })
  assert.deepEqual(coerce({}), {})
})

test("a text that the schema's strings would not take is what else it may be", () => {
  check(z.union([z.string().regex(/^[a-z]+$/), z.number()]), [
    ["five", "five"],
    ["5", 5],
    ["5%", "5%"],
  ])
  check(z.union([z.string().min(3), z.boolean()]), [
    ["true", "true"],
    ["no", "no"],
  ])
})

test("null is the word null, where no string is allowed", () => {
  check(z.nullable(z.number()), [
    ["null", null],
    ["5", 5],
    ["", ""],
  ])
  check(z.optional(z.nullable(z.optional(z.boolean()))), [
    ["null", null],
    ["true", true],
  ])
  check(z.string().nullable(), [["null", "null"]])
})

test("numbers among values that are listed are numbers", () => {
  check(z.literal(1), [
    ["1", 1],
    ["2", 2],
  ])
  check(z.enum({ low: 1, high: 2 }), [["2", 2]])
  check(z.literal([1, "x", null]), [
    ["1", 1],
    ["x", "x"],
    ["null", null],
  ])
})

test("each item of a tuple is what the tuple says of it", () => {
  check(z.tuple([z.number(), z.boolean(), z.string()], z.number()), [
    [
      ["1", "true", "3", "4"],
      [1, true, "3", 4],
    ],
    [
      ["x", "true"],
      ["x", true],
    ],
  ])
  check(z.tuple([z.number()]), [["7", [7]]])
})

test("names that the schema does not list are read by what it says of the others", () => {
  const coerce = reader(describe(z.record(z.string(), z.number()), "input", "it"))
  assert.deepEqual(coerce({ a: "1", b: "x" }), { a: 1, b: "x" })
  const mixed = reader(describe(z.object({ a: z.string() }).catchall(z.boolean()), "input", "it"))
  assert.deepEqual(mixed({ a: "true", b: "true" }), { a: "true", b: true })
  const pattern = reader({ type: "object", patternProperties: { "^n": { type: "number" } } })
  assert.deepEqual(pattern({ n1: "1", m: "1" }), { n1: 1, m: "1" })
})

test("the schema is shown a bounded number of readings, however many there are", () => {
  const unsure = z.union([z.string(), z.number()])
  const names = Array.from({ length: 20 }, (_, at) => `x${at}`)
  const schema = z.object(Object.fromEntries(names.map((name) => [name, unsure])))
  const readings = coercer(describe(schema, "input", "it"))(
    Object.fromEntries(names.map((name) => [name, "1"])),
  )
  assert.equal(Array.from(readings).length, 16)
})

test("a union may be as long as it likes", () => {
  const numbers = Array.from({ length: 1000 }, (_, n) => z.literal(n))
  check(z.union(numbers), [["999", 999]])
})

test("a schema of too many unions is refused", () => {
  const either = (at: number) =>
    z.union([z.object({ [`a${at}`]: z.number() }), z.object({ [`b${at}`]: z.number() })])
  const schema = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(either)
  assert.throws(
    () => coercer({ allOf: schema.map((one) => describe(one, "input", "it")) }),
    /more than 256 ways/,
  )
})
