/**
 * What an OpenAPI document says of a parameter or a body, as it is sent: examples by their names, one
 * without a name, or a value made from the schema.
 */
import { multipartBody, urlEncoded } from "./form.ts"
import { type JsonSchema, resolveRef, type Sampler } from "./sample.ts"

/** What can be sent for one part of an input. */
interface Choice {
  readonly named: ReadonlyMap<string, unknown>
  /**
   * The value for the example of a name; `undefined` when there is none.
   * @param isNeeded whether any other will do rather than none.
   */
  valueFor(name: string | undefined, isNeeded: boolean): unknown
}

/** @param holder a parameter or a media type. */
function choiceOf(holder: JsonSchema, sampler: Sampler): Choice {
  const named = new Map(
    Object.entries((holder.examples ?? {}) as Record<string, JsonSchema>)
      .map(([name, example]) => [name, followed(example, sampler.root).value] as const)
      .filter(([, value]) => value !== undefined),
  )
  const [first] = named.values()
  let sample: { readonly made: unknown } | undefined
  return {
    named,
    valueFor(name, isNeeded) {
      if (name !== undefined && named.has(name)) return named.get(name)
      if (holder.example !== undefined) return holder.example
      if (!isNeeded || first !== undefined) return isNeeded ? first : undefined
      sample ??= { made: sampler.sample((holder.schema ?? {}) as JsonSchema) }
      return sample.made
    },
  }
}

/** The thing itself, where a reference to it may stand. */
export function followed(object: JsonSchema, root: unknown): JsonSchema {
  return typeof object.$ref === "string" ? (resolveRef(root, object.$ref) ?? {}) : object
}

export interface Parameter {
  readonly name: string
  readonly place: "path" | "query" | "header"
  readonly isRequired: boolean
  readonly choice: Choice
  /** Of a value, the texts under this name, and of an object those under its own; else `undefined`. */
  readonly write: (value: unknown) => readonly (readonly [name: string, text: string])[] | undefined
}

/** What a document tells of one. */
interface Told extends Pick<Parameter, "name"> {
  readonly in: Parameter["place"]
  readonly required?: unknown
  readonly style?: unknown
  readonly explode?: unknown
}

const plainStyles = { path: "simple", query: "form", header: "simple" } as const

export function parameterOf(parameter: JsonSchema, sampler: Sampler): Parameter | undefined {
  const { name, in: place, required, style, explode } = parameter as unknown as Told
  if (!Object.hasOwn(plainStyles, place)) return undefined
  const isExploded = explode ?? place === "query"
  return {
    name,
    place,
    isRequired: required === true,
    choice: choiceOf(parameter, sampler),
    write(value) {
      if (isScalar(value)) return [[name, String(value)]]
      // Other styles have signs of their own.
      if ((style ?? plainStyles[place]) !== plainStyles[place]) return undefined
      if (Array.isArray(value) && value.every(isScalar)) {
        if (!isExploded || place !== "query") return [[name, value.join(",")]]
        return value.map((item) => [name, String(item)] as const)
      }
      const entries = Object.entries((value ?? {}) as object)
      if (Array.isArray(value) || place !== "query" || !isExploded) return undefined
      if (!entries.every(([, item]) => isScalar(item))) return undefined
      return entries.map(([key, item]) => [key, String(item)] as const)
    },
  }
}

function isScalar(value: unknown): boolean {
  return ["string", "number", "boolean"].includes(typeof value)
}

/** A body as it is sent. */
export interface SentBody {
  readonly contentType: string
  readonly body: string
}

export interface Body {
  readonly choice: Choice
  /** `undefined` when the value can't be sent so. */
  readonly write: (value: unknown) => SentBody | undefined
}

/** What a body can be sent as, or why it can't be. */
export function bodyOf(
  content: Readonly<Record<string, JsonSchema>>,
  sampler: Sampler,
): Body | string {
  const types = Object.entries(content)
  const found = (pattern: RegExp) => types.find(([type]) => pattern.test(type))
  const json = found(/^application\/(.*\+)?json\b/)
  if (json !== undefined) return jsonBody(json[0], choiceOf(json[1], sampler))
  const form = found(/^(?:multipart\/form-data|application\/x-www-form-urlencoded)\b/)
  if (form !== undefined) return formOf(form[0], form[1], sampler)
  const text = found(/^(?:text\/[^*;]+|application\/(?:.*\+)?xml)(?:;|$)/)
  const choice = text && exampleOnly(choiceOf(text[1], sampler))
  if (text !== undefined && choice?.valueFor(undefined, true) !== undefined) {
    const [contentType] = text
    return {
      choice,
      write: (value) => (typeof value === "string" ? { contentType, body: value } : undefined),
    }
  }
  return `its body is ${Object.keys(content).join(" or ")}, and only JSON and forms can be made up`
}

function jsonBody(contentType: string, choice: Choice): Body {
  return { choice, write: (value) => ({ contentType, body: JSON.stringify(value) }) }
}

/** A text that is no JSON has rules of its own, so none is made up. */
function exampleOnly({ named, valueFor }: Choice): Choice {
  const [first] = named.values()
  return {
    named,
    valueFor: (name, isNeeded) => valueFor(name, false) ?? (isNeeded ? first : undefined),
  }
}

/** Files are left out where they may be. */
function formOf(type: string, media: JsonSchema, sampler: Sampler): Body | string {
  const schema = followed((media.schema ?? {}) as JsonSchema, sampler.root)
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)
  const files = properties.filter(([, property]) => isFile(followed(property, sampler.root)))
  const names = new Set(files.map(([name]) => name))
  const needed = ((schema.required ?? []) as readonly string[]).filter((name) => names.has(name))
  if (needed.length > 0)
    return `its form needs a file (${needed.join(", ")}), and none can be made up`
  const encode = type.startsWith("multipart/") ? multipartBody : urlEncoded
  return {
    choice: choiceOf(media, sampler),
    write(value) {
      if (typeof value !== "object" || value === null) return undefined
      const fields = Object.entries(value).filter(([name]) => !names.has(name))
      return encode(fields.flatMap(([name, field]) => fieldTexts(name, field)))
    },
  }
}

function isFile({ type, format, contentEncoding, contentMediaType, items }: JsonSchema): boolean {
  if (items !== undefined && isFile(items as JsonSchema)) return true
  const isOther = contentMediaType !== undefined && contentMediaType !== "application/json"
  return format === "binary" || contentEncoding !== undefined || (type !== "object" && isOther)
}

/** A field for each of a list; an object is JSON. */
function fieldTexts(name: string, field: unknown): readonly (readonly [string, string])[] {
  if (field === undefined || field === null) return []
  if (Array.isArray(field) && field.length > 0 && field.every(isScalar)) {
    return field.map((item) => [name, String(item)] as const)
  }
  return [[name, isScalar(field) ? String(field) : JSON.stringify(field)]]
}
