import assert from "node:assert/strict"
import { test } from "node:test"
import { toStandardJsonSchema } from "@valibot/to-json-schema"
import { type } from "arktype"
import * as v from "valibot"
import * as z from "zod"
import { multipart } from "../../src/service/body.ts"
import type { OpenApiDocument } from "../../src/service/http/openapi.ts"
import { type Operation, operation } from "../../src/service/operation.ts"
import type { Schema } from "../../src/service/schema.ts"
import { type Described, documentOf, type Json, valid } from "../support/openapi.ts"

test("schemas of every library, and those that refer to themselves, find a place", async () => {
  const Tree = z.object({
    value: z.number(),
    get children() {
      return z.array(Tree)
    },
  })
  const Named = z.object({ id: z.string() }).meta({ id: "Named" })
  const libraries: Readonly<Record<string, Operation>> = {
    tree: operation({
      path: "/tree",
      body: Tree,
      output: z.object({ tree: Tree }),
      run: ({ body }) => ({ tree: body }),
    }),
    named: operation({
      path: "/named",
      body: z.object({ a: Named, b: Named }),
      output: Named,
      run: ({ body }) => body.a,
    }),
    ark: operation({
      path: "/ark",
      query: type({ n: "number.integer", "deep?": "boolean" }),
      body: type({ name: "string >= 1", "tags?": "string[]" }),
      output: type("string"),
      run: ({ body }) => body.name,
    }),
    valibot: operation({
      path: "/valibot",
      query: toStandardJsonSchema(v.object({ n: v.number() })),
      body: toStandardJsonSchema(v.object({ name: v.pipe(v.string(), v.minLength(1)) })),
      output: toStandardJsonSchema(v.string()),
      run: ({ body }) => body.name,
    }),
  }
  const document = await valid(documentOf(libraries))
  const { schemas } = document.components as { schemas: Record<string, unknown> }
  assert.ok(Object.keys(schemas).some((name) => name.startsWith("tree_body")))
})

test("a schema that has a name is one component, whoever uses it", async () => {
  const Colour = z.enum(["red", "green"]).meta({ id: "Colour" })
  const Point = z.object({ x: z.number(), colour: Colour.optional() }).meta({ id: "Point" })
  const Points = z.array(Point).meta({ id: "Points" })
  const document = await valid(
    documentOf({
      one: operation({ path: "/one", body: Point, output: Points, run: ({ body }) => [body] }),
      two: operation({
        path: "/two",
        query: z.object({ colour: Colour }),
        // Names of fields that are words of JSON Schema.
        body: z.object({ default: Point, enum: Points, const: Colour }),
        output: z.record(z.string(), Point),
        run: ({ body }) => ({ default: body.default }),
      }),
      form: operation({
        path: "/form",
        body: multipart({ fields: z.object({ point: Point }).meta({ id: "Fields" }) }),
        output: Colour,
        run: () => "red" as const,
      }),
    } as Readonly<Record<string, Operation>>),
  )
  assert.deepEqual(ownComponentsOf(document), ["Colour", "Fields", "Point", "Points"])
  const [one, two] = ["/one", "/two"].map((path) => document.paths[path]?.post as Described)
  const $ref = "#/components/schemas/Point"
  assert.deepEqual(one?.requestBody.content["application/json"].schema, { $ref })
  assert.deepEqual(two?.requestBody.content["application/json"].schema.properties.default, { $ref })
  assert.deepEqual(two?.parameters[0]?.schema, { $ref: "#/components/schemas/Colour" })
})

test("what goes in and what comes out have a name each where they differ, and whatever holds them", async () => {
  const Address = z.object({ street: z.string().default("High Street") }).meta({ id: "Address" })
  const User = z
    .object({
      address: Address,
      get friends() {
        return z.array(User)
      },
    })
    .meta({ id: "User" })
  const Same = z.strictObject({ n: z.number() }).meta({ id: "Same" })
  const out = operation({ path: "/out", output: User, run: () => ({ address: {}, friends: [] }) })
  const both = operation({
    path: "/both",
    body: z.object({ user: User, same: Same }),
    output: z.object({ user: User, same: Same }),
    run: ({ body }) => body,
  })
  for (const operations of [
    { out, both },
    { both, out },
  ]) {
    const document = await valid(documentOf(operations))
    assert.deepEqual(ownComponentsOf(document), [
      "Address",
      "AddressOutput",
      "Same",
      "User",
      "UserOutput",
    ])
    const schemas = document.components.schemas as Record<string, Json>
    assert.equal(schemas.Address?.required, undefined)
    assert.deepEqual(schemas.AddressOutput?.required, ["street"])
    assert.deepEqual((schemas.UserOutput as { properties: Json }).properties.friends, {
      type: "array",
      items: { $ref: "#/components/schemas/UserOutput" },
    })
  }
  assert.deepEqual(ownComponentsOf(documentOf({ out })), ["Address", "User"])
})

test("a name that something else has gets a number, and what no name may hold is replaced", async () => {
  const of = (id: string, shape: z.ZodRawShape) => {
    // A registry of its own, as another copy of the library has.
    const $defs = { [id]: z.toJSONSchema(z.object(shape)) }
    const pointer = id.replaceAll("~", "~0").replaceAll("/", "~1").replaceAll(" ", "%20")
    return described({ $ref: `#/$defs/${pointer}`, $defs })
  }
  const document = await valid(
    documentOf({
      a: operation({ path: "/a", body: of("Point", { x: z.number() }), run() {} }),
      b: operation({ path: "/b", body: of("Point", { y: z.number() }), run() {} }),
      c: operation({ path: "/c", body: of("Problem", { z: z.number() }), run() {} }),
      d: operation({ path: "/d", body: of("of a/b~c", { z: z.number() }), run() {} }),
    }),
  )
  assert.deepEqual(ownComponentsOf(document), ["Point", "Point2", "Problem2", "of_a_b_c"])
})

test("clients can be generated of tuples, of names for names, and of pointers into a schema", async () => {
  const pair = { type: "array", prefixItems: [{}, {}], items: false, minItems: 2 }
  const document = await valid(
    documentOf({
      it: operation({
        path: "/it",
        body: described({
          type: "object",
          properties: {
            pair,
            again: { $ref: "#/properties/pair" },
            also: { $ref: "#/$defs/Also" },
          },
          $defs: { Also: { $ref: "#/$defs/Pair", description: "Another." }, Pair: pair },
        }),
        run() {},
      }),
    }),
  )
  const schemas = document.components.schemas as Record<string, Json>
  const ended = { type: "array", prefixItems: [{}, {}], maxItems: 2, minItems: 2 }
  assert.deepEqual(schemas.Pair, ended)
  assert.deepEqual(schemas.Also, {
    description: "Another.",
    allOf: [{ $ref: "#/components/schemas/Pair" }],
  })
  assert.deepEqual(schemas.it_body?.properties, {
    pair: ended,
    again: { $ref: "#/components/schemas/it_body/properties/pair" },
    also: { $ref: "#/components/schemas/Also" },
  })
})

/** Those that come from schemas. */
function ownComponentsOf(document: OpenApiDocument): readonly string[] {
  const names = Object.keys(document.components.schemas as object)
  return names.filter((name) => !["Problem", "InvalidInput"].includes(name)).toSorted()
}

/** A schema of no library that takes anything. */
function described(schema: Json): Schema {
  return {
    "~standard": {
      version: 1,
      vendor: "trial",
      validate: (value: unknown) => ({ value }),
      jsonSchema: { input: () => schema, output: () => schema },
    },
  }
}
