/**
 * The input of an operation: received, turned into what its schemas expect, and checked. Everything
 * that can be found out beforehand is found out once, when the server starts.
 *
 * All sections are checked before the answer, so that a client learns of everything that is wrong
 * at once. An empty body is `undefined` to its schema: whether it may be left out is the schema's
 * to say, with a 422 like for any other value.
 */
import type { FastifyInstance } from "fastify"
import type { BytesBody, MultipartBody } from "../body.ts"
import { Issues, issuesMax } from "../issues.ts"
import type { BodySpec, Operation, RawInput } from "../operation.ts"
import { decodedParameter } from "../path.ts"
import { problem } from "../problem.ts"
import { check, describe, isSchema, type JsonSchema, type Schema } from "../schema.ts"
import { type Coercer, coercer, type Fields, isList } from "./coerce.ts"
import type { Exchange } from "./exchange.ts"
import { formLimits, readForm } from "./form.ts"
import { type JsonParser, jsonParser } from "./json-body.ts"
import { mediaTypeOf } from "./media-type.ts"
import { concat, readBody } from "./read-body.ts"
import { propertiesOf, shapesOf } from "./shapes.ts"

interface Received {
  readonly input: RawInput
  /** Buffers in it that can be moved to another thread. */
  readonly transfer: readonly ArrayBuffer[]
}

/**
 * Receives and checks one request's input.
 * @throws {Problem} 400, 413 or 422. @throws {NoRoom}
 */
export type InputReader = (exchange: Exchange) => Promise<Received>

/** @throws {Error} when a schema can't be described or names a header that can never come. */
export function inputReader(
  app: FastifyInstance,
  name: string,
  operation: Operation,
  bytesMax: number,
): InputReader {
  const readPath = section(operation.params, "path", name)
  const readQuery = section(operation.query, "query", name)
  const readHeaders = section(operation.headers, "headers", name)
  const readContent = bodyReader(operation.body, name, bytesMax, jsonParser(app))

  return async (exchange) => {
    const { request } = exchange
    const issues = new Issues()
    const body = readContent && (await readContent(exchange, issues))
    const path = readPath && (await readPath(decoded(request.params as Fields), issues))
    const query = readQuery && (await readQuery(request.query as Fields, issues))
    const headers = readHeaders && (await readHeaders(request.headers, issues))
    if (issues.count > 0) throw invalid(issues)
    return { input: { path, query, headers, body: body?.value }, transfer: body?.transfer ?? [] }
  }
}

/** The router leaves reserved escapes as they are, so that they can't be taken for what they escape. */
function decoded(parameters: Fields): Fields {
  for (const value of Object.values(parameters)) {
    if ((value as string).includes("%")) {
      const all = Object.entries(parameters)
      return Object.fromEntries(all.map(([name, text]) => [name, decodedParameter(text as string)]))
    }
  }
  return parameters
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
  const coerce = named(what, () =>
    at === "headers" ? headerReader(description, name) : coercer(description),
  )
  return async (raw, issues) => {
    if (Object.hasOwn(raw, "__proto__")) throw problem(400, `The ${at} has a name __proto__.`)
    return firstTaken(schema, coerce(raw), at, issues)
  }
}

/** @throws {Error} with `what` in front of what `make` says. */
function named<Made>(what: string, make: () => Made): Made {
  try {
    return make()
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new Error(`${what}: ${cause.message}.`, { cause })
  }
}

/** Only the headers that the schema names: a strict one would refuse all that every client sends. */
function headerReader(description: JsonSchema, name: string): Coercer {
  const coerce = coercer(description)
  const properties = propertiesOf(shapesOf(description))
  const names = Array.from(properties.keys())
  const shouting = names.find((header) => header !== header.toLowerCase())
  if (shouting !== undefined) {
    throw new TypeError(
      `Operation "${name}": the headers schema has "${shouting}"; write it in lower case, as headers arrive.`,
    )
  }
  const lists = names.filter((header) => isList(properties.get(header) ?? {}, description))
  return (raw) => {
    const named: Record<string, unknown> = {}
    for (const header of names) {
      const value = raw[header]
      if (value === undefined) continue
      named[header] = lists.includes(header) ? splitList(value) : value
    }
    return coerce(named)
  }
}

/** Node joins a header that came more than once with commas, which is how a list is written anyway. */
function splitList(value: unknown): unknown {
  return typeof value === "string" ? value.split(",").map((item) => item.trim()) : value
}

interface ReceivedBody {
  readonly value: unknown
  readonly transfer: readonly ArrayBuffer[]
}
type BodyReader = (exchange: Exchange, issues: Issues) => Promise<ReceivedBody>

function bodyReader(
  spec: BodySpec | undefined,
  name: string,
  bytesMax: number,
  parse: JsonParser,
): BodyReader | undefined {
  if (spec === undefined) return undefined
  if (isSchema(spec)) return jsonReader(spec, bytesMax, parse)
  return spec.kind === "bytes" ? bytesReader(spec, bytesMax) : formReader(spec, name, bytesMax)
}

const nothingToTransfer: readonly ArrayBuffer[] = []

function jsonReader(schema: Schema, bytesMax: number, parse: JsonParser): BodyReader {
  return async (exchange, issues) => {
    const chunks = await readBody(exchange, bytesMax)
    const whole = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
    const value = await collect(schema, parse(whole), "body", issues)
    return { value, transfer: nothingToTransfer }
  }
}

function bytesReader(spec: BytesBody, bytesMax: number): BodyReader {
  return async (exchange) => {
    const { buffer } = concat(await readBody(exchange, bytesMax))
    const mediaType = mediaTypeOf(exchange.request.headers["content-type"]) ?? spec.mediaTypes[0]
    return { value: { bytes: new Uint8Array(buffer), mediaType }, transfer: [buffer] }
  }
}

function formReader(spec: MultipartBody, name: string, bytesMax: number): BodyReader {
  const { fields: schema } = spec
  const fileCount = Object.keys(spec.files).length
  if (fileCount > formLimits.files) {
    throw new TypeError(
      `Operation "${name}": its form has ${fileCount} files, and a form may bring ${formLimits.files} at most; name fewer.`,
    )
  }
  const what = `The form fields of operation "${name}"`
  const coerce = schema && named(what, () => coercer(describe(schema, "input", what)))
  return async (exchange, issues) => {
    const { fields, files, issues: found } = await readForm(exchange, bytesMax, spec.files)
    issues.merge(found)
    const checked =
      schema === undefined || coerce === undefined
        ? refuseFields(fields, issues)
        : await firstTaken(schema, coerce({ ...fields }), "body", issues)
    const transfer = Object.values(files).flatMap((file) => (file ? [file.bytes.buffer] : []))
    return { value: { fields: checked, files }, transfer }
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

/** The first reading that the schema takes. If it takes none, what is wrong is said of the likeliest. */
async function firstTaken(
  schema: Schema,
  readings: Iterable<unknown>,
  at: string,
  issues: Issues,
): Promise<unknown> {
  let wrong: Issues | undefined
  for (const reading of readings) {
    const checked = await check(schema, reading, at)
    if (checked.ok) return checked.value
    wrong ??= checked.issues
  }
  if (wrong !== undefined) issues.merge(wrong)
  return undefined
}

async function collect(
  schema: Schema,
  value: unknown,
  at: string,
  issues: Issues,
): Promise<unknown> {
  const checked = await check(schema, value, at)
  if (checked.ok) return checked.value
  issues.merge(checked.issues)
  return undefined
}

function invalid({ first, count }: Issues): Error {
  const what = "The request does not fit what the operation accepts; see `errors`"
  if (count === first.length) return problem(422, `${what}.`, { errors: first })
  const detail = `${what}, which has the first ${issuesMax} of ${count}.`
  return problem(422, detail, { errors: first, errorsLeftOut: count - first.length })
}
