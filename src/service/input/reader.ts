/**
 * Reads an input that was received: parses it, turns it into what its schemas expect, and checks it.
 * The main thread and the workers read by the same code, so it makes no difference to anybody but
 * the probes where it is done (place.ts decides). Everything that can be found out beforehand is found
 * out once.
 *
 * All sections are checked before the answer, so that a client learns of everything that is wrong
 * at once. An empty body is `undefined` to its schema: whether it may be left out is the schema's
 * to say, with a 422 like for any other value.
 */
import type { MultipartBody, UploadedFile } from "../body.ts"
import { Issues, issuesMax } from "../issues.ts"
import type { Operation, RawInput } from "../operation.ts"
import { decodedParameter } from "../path.ts"
import { isProblem, problem } from "../problem.ts"
import { check, describe, isSchema, type JsonSchema, type Schema } from "../schema.ts"
import { type Coercer, coercer, type Fields, formCoercer, isList, JsonField } from "./coerce.ts"
import { parseJson } from "./json.ts"
import {
  isJsonText,
  type JsonText,
  joined,
  type Received,
  type ReceivedBody,
  type ReceivedForm,
  whole,
} from "./received.ts"
import { inShape, propertiesOf, shapesOf } from "./shapes.ts"

/** @throws {Problem} 400 or 422, saying what is wrong with it. */
export type InputReader = (received: Received) => Promise<RawInput>

/** @throws {Error} when a schema can't be described or names a header that can never come. */
export function inputReader(name: string, operation: Operation): InputReader {
  const readPath = section(operation.params, "path", name)
  const readQuery = section(operation.query, "query", name)
  const readHeaders = section(operation.headers, "headers", name)
  const readContent = bodyReader(operation, name)

  return async (received) => {
    const issues = new Issues()
    const body = readContent && (await readContent(received.body as ReceivedBody, issues))
    const path = readPath && (await readPath(decoded(received.path as Fields), issues))
    const query = readQuery && (await readQuery(received.query as Fields, issues))
    const headers = readHeaders && (await readHeaders(received.headers as Fields, issues))
    if (issues.count > 0) throw invalid(issues)
    return { path, query, headers, body }
  }
}

/**
 * The names of the headers that a schema asks for: a strict one would refuse all others, which every
 * client sends.
 */
export function headerNames(operation: Operation, name: string): readonly string[] {
  if (operation.headers === undefined) return []
  const what = `The headers of operation "${name}"`
  const description = describe(operation.headers, "input", what)
  const names = Array.from(inShape(what, () => propertiesOf(shapesOf(description))).keys())
  const shouting = names.find((header) => header !== header.toLowerCase())
  if (shouting !== undefined) {
    throw new TypeError(
      `Operation "${name}": the headers schema has "${shouting}"; write it in lower case, as headers arrive.`,
    )
  }
  return names
}

/** The router leaves reserved escapes as they are, so that they can't be taken for what they escape. */
function decoded(parameters: Fields): Fields {
  const all = Object.entries(parameters as Readonly<Record<string, string>>)
  if (!all.some(([, text]) => text.includes("%"))) return parameters
  return Object.fromEntries(all.map(([name, text]) => [name, decodedParameter(text)]))
}

type SectionReader = (raw: Fields, issues: Issues) => Promise<unknown>

/** A part of the input that comes as strings by name. */
function section(
  schema: Schema | undefined,
  at: "path" | "query" | "headers",
  name: string,
): SectionReader | undefined {
  if (schema === undefined) return undefined
  const what = `The ${at} of operation "${name}"`
  const description = describe(schema, "input", what)
  const coerce = inShape(what, () =>
    at === "headers" ? headerCoercer(description) : coercer(description),
  )
  const take = taker(schema, at)
  return (raw, issues) => {
    if (Object.hasOwn(raw, "__proto__")) throw problem(400, `The ${at} has a name __proto__.`)
    return take(coerce(raw), issues)
  }
}

function headerCoercer(description: JsonSchema): Coercer {
  const coerce = coercer(description)
  const properties = propertiesOf(shapesOf(description))
  const lists = Array.from(properties.keys()).filter((header) =>
    isList(properties.get(header) ?? {}, description),
  )
  if (lists.length === 0) return coerce
  return (raw) => {
    const split = lists.filter((header) => Object.hasOwn(raw, header))
    return coerce({
      ...raw,
      ...Object.fromEntries(split.map((header) => [header, splitList(raw[header])])),
    })
  }
}

/** Node joins a header that came more than once with commas, which is how a list is written anyway. */
function splitList(value: unknown): unknown {
  return typeof value === "string" ? value.split(",").map((item) => item.trim()) : value
}

type BodyReader = (body: ReceivedBody, issues: Issues) => Promise<unknown>

function bodyReader(operation: Operation, name: string): BodyReader | undefined {
  const { body: spec } = operation
  if (spec === undefined) return undefined
  if (isSchema(spec)) {
    const take = taker(spec, "body")
    return (body, issues) =>
      take([parseJson(whole((body as Extract<ReceivedBody, { kind: "json" }>).pieces))], issues)
  }
  if (spec.kind === "bytes") {
    return async (body) => {
      const { pieces, mediaType } = body as Extract<ReceivedBody, { kind: "bytes" }>
      return { bytes: joined(pieces), mediaType }
    }
  }
  return formReader(spec, name)
}

function formReader({ fields: schema }: MultipartBody, name: string): BodyReader {
  const what = `The form fields of operation "${name}"`
  const described = schema && describe(schema, "input", what)
  const coerce = described && inShape(what, () => formCoercer(described, jsonOrNothing))
  const take = schema && taker(schema, "body")
  return async (body, issues) => {
    const form = body as ReceivedForm
    const received = parsedFields(form.fields)
    const files: Record<string, UploadedFile | undefined> = {}
    for (const [field, file] of Object.entries(form.files)) {
      if (file === undefined) continue
      const { pieces, mediaType, filename } = file
      files[field] = { bytes: joined(pieces), mediaType, filename }
    }
    issues.merge(form.issues)
    const checked =
      take === undefined || coerce === undefined
        ? refuseFields(received, issues)
        : await take(coerce(received), issues)
    return { fields: checked, files }
  }
}

/** The fields of a form, those parsed that came as JSON by their type. */
function parsedFields(fields: Fields): Fields {
  const parsed: Record<string, unknown> = Object.create(null)
  for (const [name, field] of Object.entries(fields)) {
    const parse = (one: unknown) => (isJsonText(one) ? parseField(name, one) : one)
    parsed[name] = Array.isArray(field) ? field.map(parse) : parse(field)
  }
  return { ...parsed }
}

function parseField(name: string, { json }: JsonText): JsonField {
  try {
    return new JsonField(parseJson(whole(json)))
  } catch (thrown) {
    if (!isProblem(thrown)) throw thrown
    throw problem(400, `In the form's field ${JSON.stringify(name)}: ${thrown.message}`)
  }
}

/** A text that is not JSON stays a text, for the schema to refuse it. */
function jsonOrNothing(text: string): unknown {
  try {
    return parseJson(Buffer.from(text))
  } catch (thrown) {
    if (isProblem(thrown)) return undefined
    throw thrown
  }
}

function refuseFields(fields: Fields, issues: Issues): undefined {
  for (const field of Object.keys(fields)) {
    issues.add({
      path: ["body", field],
      message: "There is no such field in this form.",
      code: "unrecognized_field",
    })
  }
}

/**
 * Checks ways to read a part of the input, one after another, and gives what the schema makes of the
 * first that it takes. If it takes none, what is wrong is said of the likeliest.
 */
type Taker = (readings: Iterable<unknown>, issues: Issues) => Promise<unknown>

function taker(schema: Schema, at: string): Taker {
  return async (readings, issues) => {
    let wrong: Issues | undefined
    for (const reading of readings) {
      const checked = await check(schema, reading, at)
      if (checked.ok) return checked.value
      wrong ??= checked.issues
    }
    if (wrong !== undefined) issues.merge(wrong)
    return undefined
  }
}

function invalid({ first, count }: Issues): Error {
  const what = "The request does not fit what the operation accepts; see `errors`"
  if (count === first.length) return problem(422, `${what}.`, { errors: first })
  const detail = `${what}, which has the first ${issuesMax} of ${count}.`
  return problem(422, detail, { errors: first, errorsLeftOut: count - first.length })
}
