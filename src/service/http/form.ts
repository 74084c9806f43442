/**
 * `multipart/form-data`: text fields for the schema, files as bytes of their own. A part that is JSON
 * by its type is a field, with a file's name or without: a browser gives one to every `Blob`. An empty
 * part without a file's name is how browsers say that no file was chosen. Everything that a form can
 * be made of is bounded, and the body as a whole is counted as it comes in.
 */
import type {} from "@fastify/multipart"
import type { FastifyRequest } from "fastify"
import { type FileFields, mediaTypeMatches } from "../body.ts"
import { Gather } from "../input/gather.ts"
import type { ReceivedFile, ReceivedForm } from "../input/received.ts"
import { propertiesOf, shapesOf } from "../input/shapes.ts"
import { type Issue, Issues } from "../issues.ts"
import { isProblem, problem } from "../problem.ts"
import type { JsonSchema } from "../schema.ts"
import { Coalesced } from "./coalesced.ts"
import type { Exchange } from "./exchange.ts"
import { BodyMeter, continueIfExpected, NoRoom } from "./read-body.ts"

/** For @fastify/multipart. Generous for people, tight for attackers. */
const formLimits = {
  fieldNameSize: 256,
  fields: 1000,
  files: 100,
  parts: 1000,
  headerPairs: 32,
}

/** What a form may be made of. */
export interface WantedParts {
  readonly files: FileFields
  /** Whether a field may have this name. */
  readonly isField: (name: string) => boolean
}

/** @throws {TypeError} when an operation wants more files than a form may bring. */
export function checkFileCount(operation: string, count: number): void {
  if (count <= formLimits.files) return
  throw new TypeError(
    `Operation "${operation}": its form has ${count} files, and a form may bring ${formLimits.files} at most; name fewer.`,
  )
}

/**
 * Whether fields may have a name, in any shape of them. Where names are told by regular expressions it
 * takes any: they are not held against what a client sends on the thread that serves.
 */
export function fieldTest(description: JsonSchema | undefined): (name: string) => boolean {
  if (description === undefined) return () => false
  const shapes = shapesOf(description)
  const names = propertiesOf(shapes)
  const isAny = shapes.some(
    ({ others, patterns }) =>
      patterns.length > 0 || (others !== false && Object.keys(others).length > 0),
  )
  return (name) => isAny || names.has(name)
}

/**
 * @throws {Problem} 400 when it is not a form, 413 when it or a part of it is too large.
 * @throws {NoRoom} when there is no room for it.
 */
export async function readForm(
  exchange: Exchange,
  bytesMax: number,
  wanted: WantedParts,
): Promise<ReceivedForm> {
  continueIfExpected(exchange)
  const { raw } = exchange.request
  const { promise: refused, reject: refuse } = Promise.withResolvers<never>()
  const meter = new BodyMeter(exchange, bytesMax, refuse)
  const onData = (chunk: Buffer): void => {
    meter.took(chunk)
  }
  raw.on("data", onData)
  const coalesced = new Coalesced(raw)
  try {
    const body = Object.create(exchange.request, { raw: { value: coalesced } })
    return await Promise.race([readParts(body, bytesMax, wanted), refused])
  } catch (thrown) {
    throw isProblem(thrown) || thrown instanceof NoRoom ? thrown : blame(thrown)
  } finally {
    // What has come of one that is given up is held no longer.
    coalesced.destroy()
    raw.off("data", onData)
    meter.end()
  }
}

async function readParts(
  request: FastifyRequest,
  bytesMax: number,
  { files: wanted, isField }: WantedParts,
): Promise<ReceivedForm> {
  const fields: Record<string, unknown> = Object.create(null)
  const files: Record<string, ReceivedFile | undefined> = Object.create(null)
  const issues = new Issues()
  const limits = { ...formLimits, fileSize: bytesMax, fieldSize: bytesMax }
  for await (const part of request.parts({ limits, isPartAFile })) {
    const name = part.fieldname
    const field = Object.hasOwn(wanted, name) ? wanted[name] : undefined
    if (part.type === "field") {
      if (field === undefined || part.value !== "") append(fields, name, part.value)
      continue
    }
    const { filename } = part as { readonly filename: string | undefined }
    const mediaType = part.mimetype.toLowerCase()
    const isJson = field === undefined && mediaType === jsonType && (!filename || isField(name))
    const gathered = new Gather()
    let length = 0
    for await (const chunk of part.file) {
      length += chunk.length
      if (field !== undefined || isJson) gathered.add(chunk)
    }
    if (!filename && length === 0) continue
    if (isJson) {
      append(fields, name, { json: gathered.end() })
    } else if (field === undefined) {
      issues.add(issue(name, "There is no such file in this form.", "unrecognized_file"))
    } else if (name in files) {
      issues.add(issue(name, "The file is there more than once.", "repeated_file"))
    } else if (!isAllowed(mediaType, field.mediaTypes)) {
      const allowed = field.mediaTypes.join(", ")
      issues.add(issue(name, `The file must be ${allowed}, not ${mediaType}.`, "media_type"))
    } else {
      files[name] = { pieces: gathered.end(), mediaType, filename: filename ?? "" }
    }
  }
  const refused = new Set(issues.first.map(({ path }) => path[1]))
  for (const [name, { optional }] of Object.entries(wanted)) {
    if (!optional && !(name in files) && !refused.has(name)) {
      issues.add(issue(name, "The file is missing.", "missing_file"))
    }
  }
  const { first, count } = issues
  return { kind: "form", fields: { ...fields }, files: { ...files }, issues: { first, count } }
}

const jsonType = "application/json"

/**
 * JSON comes as bytes, to be parsed as a body is; else the library would parse it, however deep it is
 * nested.
 */
function isPartAFile(_name?: string, mediaType?: string, filename?: string): boolean {
  return (
    filename !== undefined || mediaType === "application/octet-stream" || mediaType === jsonType
  )
}

function append(fields: Record<string, unknown>, name: string, value: unknown): void {
  const before = fields[name]
  if (before === undefined) fields[name] = value
  else if (Array.isArray(before)) before.push(value)
  else fields[name] = [before, value]
}

function isAllowed(mediaType: string, ranges: readonly string[]): boolean {
  return ranges.length === 0 || ranges.some((range) => mediaTypeMatches(mediaType, range))
}

function issue(name: string, message: string, code: string): Issue {
  return { path: ["body", name], message, code }
}

/** Every failure to read a form is the sender's; the library's status is right only when it says 413. */
function blame(thrown: unknown): Error {
  const { statusCode, message } = thrown as { statusCode?: unknown; message?: unknown }
  if (statusCode === 413) {
    const { fields, files, parts } = formLimits
    return problem(
      413,
      `The form is too large: at most ${fields} fields, ${files} files and ${parts} parts are accepted.`,
    )
  }
  return problem(400, `The body is not a form that can be read: ${String(message)}.`)
}
