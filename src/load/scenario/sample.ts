/** A value that fits a JSON Schema, for requests that nobody gave an example of. */

export interface JsonSchema {
  readonly [keyword: string]: unknown
}

/** How deep a schema is followed. One that refers to itself ends here. */
const depthMax = 12
/** How many values a sample is made of at the most, and how many characters are in them. */
const most = { values: 10_000, characters: 1_000_000 }
/** The same of all samples of a document. */
const mostOfAll = { values: 1_000_000, characters: 50_000_000 }

/**
 * Makes values that fit the schemas of a document: the schema's own example where it has one, else the
 * smallest value. Of objects only what is required.
 *
 * A document of others may refer to itself as often as it likes, or ask for a million items: then what
 * is made comes to an end, and nothing is.
 */
export class Sampler {
  /** The document that `$ref` points into. */
  readonly root: unknown
  #values = 0
  #characters = 0
  #valuesBefore = 0
  #charactersBefore = 0

  constructor(root: unknown) {
    this.root = root
  }

  /** `undefined` when none can be made: a pattern, say, takes more than this. */
  sample(schema: JsonSchema): unknown {
    this.#valuesBefore = this.#values
    this.#charactersBefore = this.#characters
    const made = this.#made(schema, 0)
    // One that asks for too much costs the others no more than one that asks for all it may.
    this.#values = Math.min(this.#values, this.#valuesBefore + most.values)
    this.#characters = Math.min(this.#characters, this.#charactersBefore + most.characters)
    return made
  }

  #made(schema: JsonSchema, depth: number): unknown {
    this.#values += 1
    if (depth > depthMax || this.#isOver) return undefined
    if (typeof schema.$ref === "string") {
      const found = resolveRef(this.root, schema.$ref)
      return found === undefined ? undefined : this.#made(found, depth + 1)
    }
    if (Array.isArray(schema.examples) && schema.examples.length > 0) {
      return this.#given(schema.examples[0])
    }
    for (const keyword of ["example", "default", "const"]) {
      if (schema[keyword] !== undefined) return this.#given(schema[keyword])
    }
    if (Array.isArray(schema.enum)) return this.#given(schema.enum[0])
    for (const keyword of ["oneOf", "anyOf"]) {
      const options = schema[keyword]
      if (Array.isArray(options)) return this.#made(options[0], depth + 1)
    }
    if (Array.isArray(schema.allOf)) {
      const parts = schema.allOf.map((part) => this.#made(part, depth + 1))
      return parts.some((part) => typeof part !== "object") ? parts[0] : Object.assign({}, ...parts)
    }
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
    switch (type ?? (schema.properties === undefined ? undefined : "object")) {
      case "object":
        return this.#object(schema, depth)
      case "array":
        return this.#array(schema, depth)
      case "string":
        return this.#string(schema)
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

  get #isOver(): boolean {
    return (
      this.#values - this.#valuesBefore > most.values ||
      this.#characters - this.#charactersBefore > most.characters ||
      this.#values > mostOfAll.values ||
      this.#characters > mostOfAll.characters
    )
  }

  #given(value: unknown): unknown {
    if (value === undefined) return undefined
    this.#characters += JSON.stringify(value).length
    return this.#isOver ? undefined : value
  }

  #array(schema: JsonSchema, depth: number): unknown {
    const count = Number(schema.minItems ?? 1)
    if (!Number.isSafeInteger(count) || count < 0) return undefined
    const [values, characters] = [this.#values, this.#characters]
    const item = this.#made((schema.items ?? {}) as JsonSchema, depth + 1)
    if (item === undefined) return count === 0 ? [] : undefined
    // Each of them is written, though they are one.
    this.#values += (this.#values - values) * Math.max(0, count - 1)
    this.#characters += (this.#characters - characters) * Math.max(0, count - 1)
    return this.#isOver ? undefined : Array(count).fill(item)
  }

  #object(schema: JsonSchema, depth: number): unknown {
    const properties = (schema.properties ?? {}) as Record<string, JsonSchema>
    const made: [string, unknown][] = []
    for (const key of (schema.required ?? []) as readonly string[]) {
      const value = this.#made(properties[key] ?? {}, depth + 1)
      if (value === undefined) return undefined
      made.push([key, value])
    }
    return Object.fromEntries(made)
  }

  #string(schema: JsonSchema): string | undefined {
    const format = formats[String(schema.format)]
    if (format !== undefined) return format
    if (schema.pattern !== undefined || schema.contentEncoding !== undefined) return undefined
    const length = Math.max(
      Number(schema.minLength ?? 0),
      Math.min(4, Number(schema.maxLength ?? 4)),
    )
    if (!Number.isSafeInteger(length) || length < 0) return undefined
    this.#characters += length
    return this.#isOver ? undefined : "capstan".repeat(Math.ceil(length / 7)).slice(0, length)
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

const formats: Readonly<Record<string, string>> = {
  uuid: "00000000-0000-4000-8000-000000000000",
  date: "2026-01-01",
  "date-time": "2026-01-01T00:00:00Z",
  email: "someone@example.com",
  uri: "https://example.com/",
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
