/**
 * What Capstan asks of a schema: that it can check a value (Standard Schema) and that it can describe
 * itself (Standard JSON Schema). Zod ≥ 4.2, ArkType ≥ 2.1.28 and Valibot (through
 * `@valibot/to-json-schema`) give both. Capstan never asks which library it is talking to.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from "@standard-schema/spec"
import { type Issue, Issues } from "./issues.ts"

/** A schema of any library that implements Standard Schema and Standard JSON Schema. */
export interface Schema<Input = unknown, Output = Input> {
  readonly "~standard": StandardSchemaV1.Props<Input, Output> &
    StandardJSONSchemaV1.Props<Input, Output>
}

/** What a caller sends. */
export type SchemaInput<S extends Schema> = StandardSchemaV1.InferInput<S>
/** What the schema makes of it. */
export type SchemaOutput<S extends Schema> = StandardSchemaV1.InferOutput<S>

/** A JSON Schema of draft 2020-12, which is also what OpenAPI 3.1 speaks. */
export type JsonSchema = Readonly<Record<string, unknown>>

export type Checked<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly issues: Issues }

/**
 * Checks a value. `at` is put before the path of every issue.
 * An exception out of the schema is not caught: it is a bug of the service, not of the input.
 */
export async function check<S extends Schema>(
  schema: S,
  value: unknown,
  at: string,
): Promise<Checked<SchemaOutput<S>>> {
  const returned = schema["~standard"].validate(value)
  // Awaiting a plain value costs a turn of the microtask queue on every request.
  const result = returned instanceof Promise ? await returned : returned
  if (result.issues === undefined) return { ok: true, value: result.value as SchemaOutput<S> }
  const issues = new Issues()
  issues.addAll(result.issues, (issue) => toIssue(issue, at))
  return { ok: false, issues }
}

function toIssue(issue: StandardSchemaV1.Issue, at: string): Issue {
  const path: (string | number)[] = [at]
  for (const segment of issue.path ?? []) {
    const key = typeof segment === "object" ? segment.key : segment
    path.push(typeof key === "number" ? key : String(key))
  }
  // Zod and ArkType say `code`, Valibot says `type`: neither is part of the standard.
  const { code, type } = issue as { readonly code?: unknown; readonly type?: unknown }
  const rule = code ?? type
  return { path, message: issue.message, code: typeof rule === "string" ? rule : "invalid" }
}

type Direction = "input" | "output"

/** A library takes long to describe a schema, and several ask for the same when a server starts. */
const described: Readonly<Record<Direction, WeakMap<Schema, JsonSchema>>> = {
  input: new WeakMap(),
  output: new WeakMap(),
}

/**
 * The schema's own description; asked for once, and then remembered as long as there is the schema.
 * @throws {Error} when the library has no JSON Schema for it; the message names `what`.
 */
export function describe(schema: Schema, direction: Direction, what: string): JsonSchema {
  let description = described[direction].get(schema)
  if (description === undefined) {
    description = askedFor(schema, direction, what)
    described[direction].set(schema, description)
  }
  return description
}

function askedFor(schema: Schema, direction: Direction, what: string): JsonSchema {
  try {
    const { $schema: _, ...rest } = schema["~standard"].jsonSchema[direction]({
      target: "draft-2020-12",
      // Zod's word for "say nothing about it rather than throw" (dates, bigints, transforms).
      libraryOptions: { unrepresentable: "any" },
    })
    return rest
  } catch (cause) {
    throw new Error(
      `${what}: its schema has no JSON Schema (${cause instanceof Error ? cause.message : cause}). ` +
        "Use types that JSON can hold, or describe it with the library's own JSON Schema override.",
      { cause },
    )
  }
}

/**
 * Whether a description gives everything in it a type, so that no more than JSON has can be meant.
 * @param mayHaveMore whether an object may have properties that nothing is said of.
 */
export function isTyped(schema: unknown, mayHaveMore: boolean): boolean {
  if (typeof schema !== "object" || schema === null) return schema === false
  const { type, properties, additionalProperties, patternProperties, items, prefixItems } =
    schema as JsonSchema
  const { $defs, definitions, anyOf, oneOf, allOf, $ref } = schema as JsonSchema
  const areTyped = (parts: unknown): boolean =>
    parts === undefined ||
    Object.values(parts as object).every((part) => isTyped(part, mayHaveMore))
  const parts = [
    properties,
    patternProperties,
    prefixItems,
    $defs,
    definitions,
    anyOf,
    oneOf,
    allOf,
  ]
  if (!parts.every(areTyped)) return false
  const types: readonly unknown[] = Array.isArray(type) ? type : [type]
  if (types.includes("object")) {
    const named = properties !== undefined || patternProperties !== undefined
    const leaves = additionalProperties === undefined && named && mayHaveMore
    if (!leaves && !isTyped(additionalProperties, mayHaveMore)) return false
  }
  if (types.includes("array")) {
    if (items === undefined && prefixItems === undefined) return false
    if (items !== undefined && !isTyped(items, mayHaveMore)) return false
  }
  const isSaid = [type, anyOf, oneOf, allOf, $ref, (schema as JsonSchema).enum]
  return "const" in schema || isSaid.some((keyword) => keyword !== undefined)
}

/** Whether a value is a schema that Capstan can use. */
export function isSchema(value: unknown): value is Schema {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false
  const standard = (value as { readonly "~standard"?: unknown })["~standard"]
  if (typeof standard !== "object" || standard === null) return false
  const { validate, jsonSchema } = standard as Partial<Schema["~standard"]>
  return typeof validate === "function" && jsonSchema !== undefined
}

/**
 * Whether a schema hands on what JSON has, by what it says of itself: the same going in and coming out,
 * with a type for everything. One that can't say what comes out may make anything.
 */
export function makesOnlyData(schema: Schema): boolean {
  let input: JsonSchema
  let output: JsonSchema
  try {
    input = describe(schema, "input", "it")
    output = describe(schema, "output", "it")
  } catch {
    return false
  }
  const text = (description: JsonSchema): string =>
    JSON.stringify(description, (key, value) => (isUnsaid(key, value) ? undefined : value))
  return text(input) === text(output) && isTyped(output, true)
}

/** What is said differently of what goes in and what comes out though nothing new is made. */
function isUnsaid(keyword: string, value: unknown): boolean {
  if (keyword === "required" || keyword === "default")
    return Array.isArray(value) || keyword === "default"
  return keyword === "additionalProperties" && value === false
}
