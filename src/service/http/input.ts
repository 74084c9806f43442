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
import { type Crossing, crossingTest, type InputPart } from "../crossing.ts"
import { Issues, issuesMax } from "../issues.ts"
import type { Operation, RawInput } from "../operation.ts"
import { decodedParameter } from "../path.ts"
import { isProblem, problem } from "../problem.ts"
import { check, describe, isSchema, type JsonSchema, type Schema } from "../schema.ts"
import { type Coercer, coercer, type Fields, formCoercer, isList, type ReadJson } from "./coerce.ts"
import type { Exchange } from "./exchange.ts"
import { formLimits, readForm, type WantedParts } from "./form.ts"
import { type JsonParser, jsonParser } from "./json-body.ts"
import { mediaTypeOf } from "./media-type.ts"
import { concat, readBody } from "./read-body.ts"
import { inShape, propertiesOf, shapesOf } from "./shapes.ts"

interface Received {
  readonly input: RawInput
  /** What crosses to a worker instead, where not all of it can. */
  readonly crossing: Crossing | undefined
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
  const readPath = section(operation, operation.params, "path", name)
  const readQuery = section(operation, operation.query, "query", name)
  const readHeaders = section(operation, operation.headers, "headers", name)
  const readContent = bodyReader(operation, name, bytesMax, jsonParser(app))

  return async (exchange) => {
    const { request } = exchange
    const intake: Intake = { issues: new Issues(), received: undefined }
    const body = readContent && (await readContent(exchange, intake))
    const path = readPath && (await readPath(decoded(request.params as Fields), intake))
    const query = readQuery && (await readQuery(request.query as Fields, intake))
    const headers = readHeaders && (await readHeaders(request.headers, intake))
    if (intake.issues.count > 0) throw invalid(intake.issues)
    const input = { path, query, headers, body: body?.value }
    return { input, crossing: crossingOf(input, intake), transfer: body?.transfer ?? [] }
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

/** What is found out about one request's input on the way. */
interface Intake {
  readonly issues: Issues
  /** The parts whose checked values can't be cloned, as they were received. */
  received: Partial<Record<InputPart, unknown>> | undefined
}

function crossingOf(input: RawInput, { received }: Intake): Crossing | undefined {
  if (received === undefined) return undefined
  return { input: { ...input, ...received }, remake: Object.keys(received) as InputPart[] }
}

type SectionReader = (raw: Fields, intake: Intake) => Promise<unknown>

/** A part of the input that comes as strings by name. */
function section(
  operation: Operation,
  schema: Schema | undefined,
  at: "path" | "query" | "headers",
  name: string,
): SectionReader | undefined {
  if (schema === undefined) return undefined
  const what = `The ${at} of operation "${name}"`
  const description = describe(schema, "input", what)
  const coerce = inShape(what, () =>
    at === "headers" ? headerReader(description, name) : coercer(description),
  )
  const take = taker(operation, schema, at)
  return (raw, intake) => {
    if (Object.hasOwn(raw, "__proto__")) throw problem(400, `The ${at} has a name __proto__.`)
    return take(coerce(raw), intake)
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
type BodyReader = (exchange: Exchange, intake: Intake) => Promise<ReceivedBody>

function bodyReader(
  operation: Operation,
  name: string,
  bytesMax: number,
  parse: JsonParser,
): BodyReader | undefined {
  const { body: spec } = operation
  if (spec === undefined) return undefined
  if (isSchema(spec)) return jsonReader(taker(operation, spec, "body"), bytesMax, parse)
  if (spec.kind === "bytes") return bytesReader(spec, bytesMax)
  return formReader(operation, spec, name, bytesMax, parse)
}

const nothingToTransfer: readonly ArrayBuffer[] = []

function jsonReader(take: Taker, bytesMax: number, parse: JsonParser): BodyReader {
  return async (exchange, intake) => {
    const chunks = await readBody(exchange, bytesMax)
    const whole = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
    const value = await take([parse(whole)], intake)
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

function formReader(
  operation: Operation,
  { fields: schema, files }: MultipartBody,
  name: string,
  bytesMax: number,
  parse: JsonParser,
): BodyReader {
  const fileCount = Object.keys(files).length
  if (fileCount > formLimits.files) {
    throw new TypeError(
      `Operation "${name}": its form has ${fileCount} files, and a form may bring ${formLimits.files} at most; name fewer.`,
    )
  }
  const what = `The form fields of operation "${name}"`
  const described = schema && describe(schema, "input", what)
  const coerce = described && inShape(what, () => formCoercer(described, jsonReaderOf(parse)))
  const take = schema && taker(operation, schema, "body")
  const wanted: WantedParts = { files, isField: fieldTest(described), parse }
  return async (exchange, intake) => {
    const { fields, files, issues } = await readForm(exchange, bytesMax, wanted)
    intake.issues.merge(issues)
    const checked =
      take === undefined || coerce === undefined
        ? refuseFields(fields, intake.issues)
        : await take(coerce({ ...fields }), intake)
    if (intake.received !== undefined)
      intake.received.body = { fields: intake.received.body, files }
    const transfer = Object.values(files).flatMap((file) => (file ? [file.bytes.buffer] : []))
    return { value: { fields: checked, files }, transfer }
  }
}

/** Whether fields may have a name, in any shape of them. */
function fieldTest(description: JsonSchema | undefined): (name: string) => boolean {
  if (description === undefined) return () => false
  const shapes = shapesOf(description)
  const names = propertiesOf(shapes)
  const others = shapes.some(({ others }) => others !== false && Object.keys(others).length > 0)
  return (name) =>
    others ||
    names.has(name) ||
    shapes.some(({ patterns }) => patterns.some(([it]) => it.test(name)))
}

/** A text that is not JSON stays a text, for the schema to refuse it. */
function jsonReaderOf(parse: JsonParser): ReadJson {
  return (text) => {
    try {
      return parse(Buffer.from(text))
    } catch (thrown) {
      if (isProblem(thrown)) return undefined
      throw thrown
    }
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
type Taker = (readings: Iterable<unknown>, intake: Intake) => Promise<unknown>

function taker(operation: Operation, schema: Schema, at: InputPart): Taker {
  const crosses = operation.thread === "worker" ? crossingTest(schema) : undefined
  return async (readings, intake) => {
    let wrong: Issues | undefined
    for (const reading of readings) {
      const checked = await check(schema, reading, at)
      if (checked.ok) {
        if (crosses?.(checked.value, reading) === false) {
          intake.received ??= {}
          intake.received[at] = reading
        }
        return checked.value
      }
      wrong ??= checked.issues
    }
    if (wrong !== undefined) intake.issues.merge(wrong)
    return undefined
  }
}

function invalid({ first, count }: Issues): Error {
  const what = "The request does not fit what the operation accepts; see `errors`"
  if (count === first.length) return problem(422, `${what}.`, { errors: first })
  const detail = `${what}, which has the first ${issuesMax} of ${count}.`
  return problem(422, detail, { errors: first, errorsLeftOut: count - first.length })
}
