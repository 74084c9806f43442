/**
 * Turns the strings of a query, a path, a header or a form into what their schema wants. What that
 * is, is read off the schema's JSON Schema once, when the server starts.
 *
 * A string becomes a number where it is one as JSON writes them, so `5`, `-0.5` and `1e3`, but not
 * an empty string, `0x10`, `05`, ` 5` or `Infinity`; and a boolean where it is `true` or `false`.
 * Everything else stays the string that it is, for the schema to refuse it: guessing is not for us.
 * A number is read as in a JSON body, with the precision of a double.
 */
import type { JsonSchema } from "../schema.ts"

export type Fields = Readonly<Record<string, unknown>>

/** What a value may be. */
interface Wanted {
  number: boolean
  boolean: boolean
  /** Any string, or one of these. */
  readonly strings: Set<string>
  anyString: boolean
  array: Wanted | undefined
}

/** A function that coerces the properties of an object as `schema` says. */
export function coercer(schema: JsonSchema): (fields: Fields) => Fields {
  const wanted = Object.entries(propertiesOf(schema))
    .map(([name, property]) => [name, wantedOf(property, schema)] as const)
    .filter(([, { number, boolean, array }]) => number || boolean || array !== undefined)
  if (wanted.length === 0) return (fields) => fields
  return (fields) => {
    const coerced: Record<string, unknown> = { ...fields }
    for (const [name, what] of wanted) {
      const value = fields[name]
      if (value !== undefined) coerced[name] = coerce(value, what)
    }
    return coerced
  }
}

/** The properties that a schema of an object names, wherever in it that is. */
export function propertiesOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  const properties: Record<string, JsonSchema> = {}
  const visit = (part: JsonSchema): void => {
    Object.assign(properties, part.properties)
  }
  walk(schema, schema, visit)
  return properties
}

const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

function coerce(value: unknown, wanted: Wanted): unknown {
  if (wanted.array !== undefined) {
    const { array } = wanted
    if (Array.isArray(value)) return value.map((item) => coerce(item, array))
    return wanted.anyString ? value : [coerce(value, array)]
  }
  if (typeof value !== "string" || wanted.anyString || wanted.strings.has(value)) return value
  if (wanted.boolean && value === "true") return true
  if (wanted.boolean && value === "false") return false
  if (wanted.number && jsonNumber.test(value)) {
    const number = Number(value)
    return Number.isFinite(number) ? number : value
  }
  return value
}

/** Arrays are looked into one deep: strings can't say more, and a schema may refer to itself. */
function wantedOf(schema: JsonSchema, root: JsonSchema, isItem = false): Wanted {
  const wanted: Wanted = {
    number: false,
    boolean: false,
    strings: new Set(),
    anyString: false,
    array: undefined,
  }
  walk(schema, root, (part) => {
    const values = Array.isArray(part.enum) ? part.enum : "const" in part ? [part.const] : undefined
    if (values !== undefined) {
      for (const value of values) {
        if (typeof value === "string") wanted.strings.add(value)
        if (typeof value === "number") wanted.number = true
        if (typeof value === "boolean") wanted.boolean = true
      }
      return
    }
    const types = Array.isArray(part.type) ? part.type : [part.type]
    if (types.includes("string")) wanted.anyString = true
    if (types.includes("number") || types.includes("integer")) wanted.number = true
    if (types.includes("boolean")) wanted.boolean = true
    if (types.includes("array") && !isItem) {
      const items = typeof part.items === "object" ? (part.items as JsonSchema) : {}
      wanted.array = wantedOf(items, root, true)
    }
  })
  return wanted
}

/** Visits a schema and all that it is put together from, through references within `root`. */
function walk(
  schema: JsonSchema,
  root: JsonSchema,
  visit: (part: JsonSchema) => void,
  seen = new Set<JsonSchema>(),
): void {
  if (typeof schema !== "object" || schema === null || seen.has(schema)) return
  seen.add(schema)
  visit(schema)
  for (const keyword of ["allOf", "anyOf", "oneOf"]) {
    const parts = schema[keyword]
    if (Array.isArray(parts)) for (const part of parts) walk(part, root, visit, seen)
  }
  if (typeof schema.$ref === "string") {
    const target = resolve(schema.$ref, root)
    if (target !== undefined) walk(target, root, visit, seen)
  }
}

/** `#`, `#/$defs/name` */
function resolve(reference: string, root: JsonSchema): JsonSchema | undefined {
  if (reference === "#") return root
  if (!reference.startsWith("#/")) return undefined
  let found: unknown = root
  for (const token of reference.slice(2).split("/")) {
    const key = decodeURIComponent(token).replaceAll("~1", "/").replaceAll("~0", "~")
    if (typeof found !== "object" || found === null) return undefined
    found = (found as Readonly<Record<string, unknown>>)[key]
  }
  return found as JsonSchema | undefined
}
