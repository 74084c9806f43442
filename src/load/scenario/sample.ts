/** A value that fits a JSON Schema, for requests that nobody gave an example of. */

export interface JsonSchema {
  readonly [keyword: string]: unknown
}

/** How deep a schema is followed. One that refers to itself ends here. */
const depthMax = 12

/**
 * The schema's own example where it has one, else the smallest value that fits. Of objects only what
 * is required. `undefined` when none can be made: a pattern, say, takes more than this.
 * @param root the document that `$ref` points into.
 */
export function sample(schema: JsonSchema, root: unknown, depth = 0): unknown {
  if (depth > depthMax) return undefined
  if (typeof schema.$ref === "string") {
    const found = resolveRef(root, schema.$ref)
    return found === undefined ? undefined : sample(found, root, depth + 1)
  }
  if (Array.isArray(schema.examples) && schema.examples.length > 0) return schema.examples[0]
  for (const keyword of ["example", "default", "const"]) {
    if (schema[keyword] !== undefined) return schema[keyword]
  }
  if (Array.isArray(schema.enum)) return schema.enum[0]
  for (const keyword of ["oneOf", "anyOf"]) {
    const options = schema[keyword]
    if (Array.isArray(options)) return sample(options[0], root, depth + 1)
  }
  if (Array.isArray(schema.allOf)) {
    const parts = schema.allOf.map((part) => sample(part, root, depth + 1))
    return parts.some((part) => typeof part !== "object") ? parts[0] : Object.assign({}, ...parts)
  }
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  switch (type ?? (schema.properties === undefined ? undefined : "object")) {
    case "object":
      return sampleObject(schema, root, depth)
    case "array": {
      const item = sample((schema.items ?? {}) as JsonSchema, root, depth + 1)
      const count = Number(schema.minItems ?? 1)
      return item === undefined ? (count === 0 ? [] : undefined) : Array(count).fill(item)
    }
    case "string":
      return sampleString(schema)
    case "integer":
    case "number":
      return sampleNumber(schema, type === "integer" ? 1 : 1e-9)
    case "boolean":
      return true
    case "null":
      return null
    default:
      return undefined
  }
}

/** What a `$ref` within the document means. */
export function resolveRef(root: unknown, ref: string): JsonSchema | undefined {
  if (!ref.startsWith("#/")) return undefined
  let found = root
  for (const part of ref.slice(2).split("/")) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~")
    found = (found as Record<string, unknown> | undefined)?.[key]
  }
  return found as JsonSchema | undefined
}

function sampleObject(schema: JsonSchema, root: unknown, depth: number): unknown {
  const properties = (schema.properties ?? {}) as Record<string, JsonSchema>
  const required = (schema.required ?? []) as readonly string[]
  const entries = required.map((key) => [key, sample(properties[key] ?? {}, root, depth + 1)])
  if (entries.some(([, value]) => value === undefined)) return undefined
  return Object.fromEntries(entries)
}

const formats: Readonly<Record<string, string>> = {
  uuid: "00000000-0000-4000-8000-000000000000",
  date: "2026-01-01",
  "date-time": "2026-01-01T00:00:00Z",
  email: "someone@example.com",
  uri: "https://example.com/",
}

function sampleString(schema: JsonSchema): string | undefined {
  const format = formats[String(schema.format)]
  if (format !== undefined) return format
  if (schema.pattern !== undefined || schema.contentEncoding !== undefined) return undefined
  const length = Math.max(Number(schema.minLength ?? 0), Math.min(4, Number(schema.maxLength ?? 4)))
  return "capstan".repeat(Math.ceil(length / 7)).slice(0, length)
}

function sampleNumber(schema: JsonSchema, step: number): number | undefined {
  const above = schema.exclusiveMinimum as number | undefined
  const below = schema.exclusiveMaximum as number | undefined
  const low =
    above === undefined ? Number(schema.minimum ?? Number.NEGATIVE_INFINITY) : above + step
  const high =
    below === undefined ? Number(schema.maximum ?? Number.POSITIVE_INFINITY) : below - step
  const wanted = Math.max(low, Math.min(1, high))
  const multiple = schema.multipleOf ?? (schema.type === "integer" ? 1 : undefined)
  if (typeof multiple !== "number") return wanted
  const rounded = [Math.ceil, Math.floor].map((round) => round(wanted / multiple) * multiple)
  return rounded.find((value) => value >= low && value <= high)
}
