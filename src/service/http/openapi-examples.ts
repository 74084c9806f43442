/**
 * An operation's examples as an OpenAPI document has them: each part of an input has its own, under the
 * example's name, by which a reader puts them together again.
 *
 * Bytes of a file have no place in a document of text: such an example says which file it is.
 */
import { type MultipartBody, mediaTypeMatches } from "../body.ts"
import { fieldsOf, filesOf, type NamedBytes, namedBytes, type RawExample } from "../example.ts"
import type { Operation } from "../operation.ts"
import type { JsonSchema } from "../schema.ts"

type Json = Readonly<Record<string, unknown>>

/** An example of one part: its value, or in words what it is. */
type Shown = { readonly value: unknown } | { readonly description: string }

/**
 * `examples` of a parameter or a media type; nothing where there are none.
 * @param show what an example has for it, `undefined` where it has nothing.
 */
function examplesOf(
  { examples }: Operation,
  show: (example: RawExample) => Shown | undefined,
): Json {
  const entries = Object.entries(examples).flatMap(([name, example]) => {
    const shown = show(example)
    if (shown === undefined) return []
    const { summary } = example
    return [[name, { ...(summary === undefined ? {} : { summary }), ...shown }] as const]
  })
  return entries.length === 0 ? {} : { examples: Object.fromEntries(entries) }
}

function shownValue(value: unknown): Shown | undefined {
  return value === undefined ? undefined : { value }
}

/** Of JSON. */
export function jsonExamples(operation: Operation, part: "body" | "output"): Json {
  return examplesOf(operation, (example) => shownValue(example[part]))
}

/** What the parts of an input with parameters are called in an operation. */
export const partIn = { path: "params", query: "query", header: "headers" } as const

/** Of a parameter. */
export function parameterExamples(
  operation: Operation,
  place: keyof typeof partIn,
  name: string,
): Json {
  return examplesOf(operation, (example) => shownValue(partOf(example, place)[name]))
}

/** Of what a query has beside the given names, as one object. */
export function otherExamples(operation: Operation, names: ReadonlySet<string>): Json {
  return examplesOf(operation, (example) => {
    const others = Object.entries(partOf(example, "query")).filter(([name]) => !names.has(name))
    return others.length === 0 ? undefined : { value: Object.fromEntries(others) }
  })
}

function partOf(example: RawExample, place: keyof typeof partIn): Json {
  return (example[partIn[place]] ?? {}) as Json
}

/** Of bytes of a type, or a range of types, out of all that are accepted. */
export function bytesExamples(
  operation: Operation,
  part: "body" | "output",
  range: string,
  mediaTypes: readonly string[],
): Json {
  return examplesOf(operation, (example) => {
    if (example[part] === undefined) return undefined
    const named = namedBytes(example[part], mediaTypes)
    const { bytes, mediaType = "" } = named
    const best = mediaTypes.find((one) => one === mediaType) ?? range
    if (best !== range || !mediaTypeMatches(mediaType, range)) return undefined
    return typeof bytes === "string" ? { value: bytes } : { description: inWords(named) }
  })
}

/** Of a form: a file that is no text is there by its name. */
export function formExamples(operation: Operation): Json {
  return examplesOf(operation, ({ body: given }) => {
    if (given === undefined) return undefined
    const files = Array.from(filesOf(operation.body as MultipartBody, given))
    const shown = files.map(([field, file]) => {
      const { bytes, filename = field } = file
      return [field, typeof bytes === "string" ? bytes : filename] as const
    })
    const binary = files.filter(([, { bytes }]) => typeof bytes !== "string")
    const said = binary.map(([field, file]) => `\`${field}\`: ${inWords(file)}`)
    return {
      ...(said.length === 0 ? {} : { description: said.join("\n\n") }),
      value: { ...fieldsOf(given), ...Object.fromEntries(shown) },
    }
  })
}

function inWords({ bytes, mediaType, filename }: NamedBytes): string {
  const size = bytes instanceof Uint8Array ? `, ${bytes.byteLength} bytes` : ""
  return `A file, ${[filename, mediaType].filter(Boolean).join(", ")}${size}.`
}

/**
 * A form's schema with the examples of its fields: Swagger UI fills in its forms by the schemas alone.
 */
export function withFieldExamples(schema: JsonSchema, { examples }: Operation): JsonSchema {
  const given = Object.values(examples).flatMap(({ body }) => (body ? [fieldsOf(body)] : []))
  if (given.length === 0) return schema
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)
  const filled = properties.map(([name, property]) => {
    const values = given.map((fields) => fields[name]).filter((value) => value !== undefined)
    const isSaid = "examples" in property || "example" in property || "$ref" in property
    return [name, isSaid || values.length === 0 ? property : { ...property, examples: values }]
  })
  return { ...schema, properties: Object.fromEntries(filled) }
}
