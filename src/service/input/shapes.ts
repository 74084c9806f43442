/**
 * What an object may look like, read off its JSON Schema once, when the server starts. Unions,
 * intersections and references are put in the shape of a list: each entry is one way in which all
 * of the schema holds. A query or a form is read by it, and documented by it.
 */
import type { JsonSchema } from "../schema.ts"

/** One way in which an object may be made up. */
export interface Shape {
  /** Those that are named, each with all that is asked of it. */
  readonly properties: ReadonlyMap<string, JsonSchema>
  readonly required: ReadonlySet<string>
  /** By regular expression. */
  readonly patterns: readonly (readonly [name: RegExp, schema: JsonSchema])[]
  /** Of those that are not named; `false` where there must be none. */
  readonly others: JsonSchema | false
  /** What the name of each has to be. */
  readonly names: JsonSchema | undefined
}

/**
 * Of unions that are held together: their product grows faster than it looks. One may have any
 * length.
 */
const alternativesMax = 256

/**
 * The shapes of a schema, in its own order; one without properties where it is not about objects.
 * @throws {RangeError} when unions of it make more than {@link alternativesMax} together.
 */
export function shapesOf(schema: JsonSchema): readonly Shape[] {
  const shapes = alternatives(schema, schema).filter(mayBeObject).map(toShape)
  return shapes.length > 0 ? shapes : [toShape([])]
}

/**
 * What `make` makes of a schema.
 * @throws {Error} with `what` in front, when the schema may be put together in too many ways.
 */
export function inShape<Made>(what: string, make: () => Made): Made {
  try {
    return make()
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new Error(`${what}: ${cause.message}.`, { cause })
  }
}

/** The properties that a schema of an object names in any shape: by name, what they may be. */
export function propertiesOf(shapes: readonly Shape[]): ReadonlyMap<string, JsonSchema> {
  const all = new Map<string, JsonSchema[]>()
  for (const { properties } of shapes) {
    for (const [name, schema] of properties) {
      const found = all.get(name)
      if (found === undefined) all.set(name, [schema])
      else if (!found.some((other) => isSame(other, schema))) found.push(schema)
    }
  }
  return new Map(Array.from(all, ([name, schemas]) => [name, eitherOf(schemas)]))
}

/** The properties that are required in every shape. */
export function requiredOf([first, ...others]: readonly Shape[]): ReadonlySet<string> {
  const required = first?.required ?? new Set()
  return new Set(
    Array.from(required).filter((name) => others.every((shape) => shape.required.has(name))),
  )
}

/**
 * The property that tells shapes apart, with the values that each has of it; `undefined` when no
 * required property is a text of its own in every shape.
 */
export function discriminatorOf(
  shapes: readonly Shape[],
): { readonly name: string; readonly values: readonly (readonly string[])[] } | undefined {
  if (shapes.length < 2) return undefined
  for (const name of requiredOf(shapes)) {
    const values = shapes.map(({ properties }) => valuesOf(properties.get(name) ?? {}) ?? [])
    const all = values.flat()
    const areTexts = values.every((some) => some.length > 0) && all.every(isString)
    if (areTexts && new Set(all).size === all.length) {
      return { name, values: values as readonly (readonly string[])[] }
    }
  }
  return undefined
}

/** The values that a schema lists, if it does. */
export function valuesOf(schema: JsonSchema): readonly unknown[] | undefined {
  return Array.isArray(schema.enum) ? schema.enum : "const" in schema ? [schema.const] : undefined
}

/**
 * All ways in which a schema holds: of each, the parts that hold together. References are followed
 * within `root`; one that leads back to where it came from says nothing new.
 */
export function alternatives(
  schema: unknown,
  root: JsonSchema,
  from: readonly unknown[] = [],
): readonly (readonly JsonSchema[])[] {
  if (schema === false) return []
  if (typeof schema !== "object" || schema === null || from.includes(schema)) return [[]]
  const { allOf, anyOf, oneOf, $ref, ...own } = schema as JsonSchema
  const below = [...from, schema]
  const each = (part: unknown) => alternatives(part, root, below)
  let all: readonly (readonly JsonSchema[])[] = [[own]]
  const and = (more: readonly (readonly JsonSchema[])[]): void => {
    const isProduct = all.length > 1 && more.length > 1
    all = all.flatMap((parts) => more.map((others) => [...parts, ...others]))
    if (isProduct && all.length > alternativesMax) {
      throw new RangeError(
        `it may be put together in more than ${alternativesMax} ways; use fewer unions in it`,
      )
    }
  }
  if (typeof $ref === "string") and(each(resolve($ref, root)))
  if (Array.isArray(allOf)) for (const part of allOf) and(each(part))
  for (const union of [anyOf, oneOf]) if (Array.isArray(union)) and(union.flatMap(each))
  return all
}

/** One schema for several that all hold. */
function allOf(schemas: readonly JsonSchema[]): JsonSchema {
  return schemas.length === 1 ? (schemas[0] as JsonSchema) : { allOf: schemas }
}

/** Of a pattern that is none of JavaScript's, nothing is known. */
export function regExp(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, "u")
  } catch {
    return undefined
  }
}

function mayBeObject(parts: readonly JsonSchema[]): boolean {
  return parts.every(
    ({ type }) =>
      type === undefined || type === "object" || (Array.isArray(type) && type.includes("object")),
  )
}

function toShape(parts: readonly JsonSchema[]): Shape {
  const properties = new Map<string, JsonSchema[]>()
  for (const part of parts) {
    for (const [name, schema] of entriesOf(part.properties)) {
      const found = properties.get(name)
      if (found === undefined) properties.set(name, [schema])
      else if (!found.some((other) => isSame(other, schema))) found.push(schema)
    }
  }
  const others = parts.flatMap(({ additionalProperties: more }) => (isSchema(more) ? [more] : []))
  const names = parts.flatMap(({ propertyNames }) =>
    isSchema(propertyNames) ? [propertyNames] : [],
  )
  return {
    properties: new Map(Array.from(properties, ([name, schemas]) => [name, allOf(schemas)])),
    required: new Set(parts.flatMap(({ required }) => (required as string[] | undefined) ?? [])),
    patterns: parts.flatMap(({ patternProperties }) =>
      entriesOf(patternProperties).flatMap(([name, schema]) => {
        const pattern = regExp(name)
        return pattern === undefined ? [] : [[pattern, schema] as const]
      }),
    ),
    others: parts.some(({ additionalProperties }) => additionalProperties === false)
      ? false
      : others.length === 0
        ? {}
        : allOf(others),
    names: names.length === 0 ? undefined : allOf(names),
  }
}

function entriesOf(schemas: unknown): readonly (readonly [string, JsonSchema])[] {
  return Object.entries((schemas ?? {}) as Readonly<Record<string, JsonSchema>>)
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null
}

function isString(value: unknown): value is string {
  return typeof value === "string"
}

function isSame(one: JsonSchema, other: JsonSchema): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

/** Values that are listed stay a list, which documentation shows as a choice. */
function eitherOf(schemas: readonly JsonSchema[]): JsonSchema {
  if (schemas.length === 1) return schemas[0] as JsonSchema
  const values = schemas.map((schema) => (isOnlyValues(schema) ? valuesOf(schema) : undefined))
  const [type] = schemas.map((schema) => schema.type)
  if (values.every((some) => some !== undefined) && schemas.every((one) => one.type === type)) {
    return { ...(type === undefined ? {} : { type }), enum: [...new Set(values.flat())] }
  }
  return { anyOf: schemas }
}

function isOnlyValues(schema: JsonSchema): boolean {
  return Object.keys(schema).every((key) => key === "type" || key === "const" || key === "enum")
}

/** `#`, `#/$defs/name` */
export function resolve(reference: string, root: JsonSchema): unknown {
  if (reference === "#") return root
  if (!reference.startsWith("#/")) return undefined
  let found: unknown = root
  for (const token of reference.slice(2).split("/")) {
    const key = unescaped(token)
    if (typeof found !== "object" || found === null) return undefined
    found = (found as Readonly<Record<string, unknown>>)[key]
  }
  return found
}

/** A key, as a reference has it between two slashes. */
export function unescaped(token: string): string {
  return decodeURIComponent(token).replaceAll("~1", "/").replaceAll("~0", "~")
}
