/**
 * Whether an operation would accept its own examples. Each is shown to the reader that reads requests,
 * as it would come in one, so that whoever sends it is not the first to learn of it.
 *
 * What an example leaves out is no mistake: it may be there to explain one parameter. But only one
 * that has all that the operation needs can be sent.
 */
import { existsSync } from "node:fs"
import { setImmediate } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { type FileFields, type MultipartBody, mediaTypeMatches } from "../body.ts"
import {
  fieldsOf,
  filesOf,
  isBytes,
  type NamedBytes,
  namedBytes,
  type RawExample,
  written,
  writtenField,
} from "../example.ts"
import type { Issue } from "../issues.ts"
import type { Operation } from "../operation.ts"
import { isProblem } from "../problem.ts"
import { isSchema, makesOnlyData } from "../schema.ts"
import type { Service } from "../service.ts"
import { type InputReader, inputReader } from "./reader.ts"
import type { Received, ReceivedBody } from "./received.ts"

export interface Examined {
  /** What is wrong with what it gives, in words. */
  readonly wrong: readonly string[]
  /** Whether it has all that a request needs. */
  readonly isWhole: boolean
}

/**
 * Looks at all examples of a service.
 * @throws {TypeError} naming the first that its operation would not accept, and why.
 */
export async function checkExamples(service: Service): Promise<void> {
  for (const [name, operation] of service.operations) {
    const examples = Object.entries(operation.examples)
    if (examples.length === 0) continue
    const examine = examiner(name, operation)
    for (const [called, example] of examples) {
      const { wrong } = await examine(example)
      if (wrong.length === 0) continue
      throw new TypeError(
        `Operation "${name}": its example "${called}" is not what it takes: ${wrong.slice(0, wrongMax).join("; ")}. Correct the example, or leave it out.`,
      )
    }
  }
}

/** How much is said of one that is wrong. */
const wrongMax = 5

/** The parts of an example that make a request, and what they are called in what is received. */
const parts = { params: "path", query: "query", headers: "headers", body: "body" } as const
type Part = keyof typeof parts
const known = ["summary", ...Object.keys(parts), "output"]

/** What looks at the examples of an operation. */
export function examiner(
  name: string,
  operation: Operation,
): (example: RawExample) => Promise<Examined> {
  const read = inputReader(name, operation)
  return (example) => examine(operation, example, read)
}

async function examine(
  operation: Operation,
  example: RawExample,
  read: InputReader,
): Promise<Examined> {
  const isGiven = (part: Part): boolean => example[part] !== undefined
  const unwanted = (Object.keys(parts) as Part[])
    .filter((part) => isGiven(part) && operation[part] === undefined)
    .map((part) => `${part} is given, and the operation has no schema for it`)
  const unknown = Object.keys(example)
    .filter((key) => !known.includes(key))
    .map((key) => `it can't have ${key}, only ${known.join(", ")}`)
  const own = [
    ...unknown,
    ...unwanted,
    ...wrongInAnswer(operation, example),
    ...wrongTexts(operation, example),
  ]
  const shown = wrongBytes(operation, example)
  if (own.length + shown.wrong.length > 0) {
    return { wrong: [...own, ...shown.wrong], isWhole: false }
  }
  const isAll = (Object.keys(parts) as Part[]).every(
    (part) => isGiven(part) || operation[part] === undefined,
  )
  // Its schemas may take long, and all requests would wait for them.
  if (operation.validate === "worker") return { wrong: [], isWhole: isAll }
  const issues = await issuesOf(read, received(operation, example))
  const isOfGiven = ({ path: [at] }: Issue): boolean =>
    (Object.keys(parts) as Part[]).some((part) => parts[part] === at && isGiven(part))
  return {
    wrong: issues.filter(isOfGiven).map((issue) => inWords(issue, operation)),
    isWhole: shown.isWhole && hasPath(operation, example) && issues.length === 0,
  }
}

/** By the names that an example has for what is received. */
function inWords({ path: [at, ...keys], message }: Issue, { body }: Operation): string {
  const isForm = at === "body" && body !== undefined && !isSchema(body) && keys.length > 0
  const part = isForm ? "body.fields" : at === "path" ? "params" : at
  return `${[part, ...keys].join(".")}: ${message}`
}

/**
 * What the reader finds. One that has to wait for something is not waited for, and one that fails says
 * nothing of the example: what it asks may be there only when calls are.
 */
async function issuesOf(read: InputReader, input: Received): Promise<readonly Issue[]> {
  try {
    await Promise.race([read(input), setImmediate()])
    return []
  } catch (thrown) {
    if (!isProblem(thrown)) return []
    const { errors } = thrown.details as { readonly errors?: readonly Issue[] }
    return errors ?? [{ path: ["body"], message: thrown.message, code: "invalid" }]
  }
}

function wrongInAnswer({ output }: Operation, { output: given }: RawExample): readonly string[] {
  if (given === undefined) return []
  if (output === undefined) return ["output is given, and the operation answers nothing"]
  if (!isSchema(output)) return wrongBinary("output", given, output.mediaTypes)
  // A schema that makes something else of what `run` returns can't be asked about what it has made.
  if (!makesOnlyData(output)) return []
  try {
    const checked = output["~standard"].validate(given)
    if (checked instanceof Promise || checked.issues === undefined) return []
    return checked.issues.map(({ path = [], message }) => {
      const keys = path.map((key) => (typeof key === "object" ? key.key : key))
      return `${["output", ...keys].join(".")}: ${message}`
    })
  } catch {
    return []
  }
}

/** Whether there is something for each parameter of the path. */
function hasPath({ segments }: Operation, { params }: RawExample): boolean {
  const given = (params ?? {}) as Readonly<Record<string, unknown>>
  return segments.every(({ parameter }) => parameter === undefined || isText(given[parameter]))
}

function isText(value: unknown): boolean {
  const text = written(value)
  return typeof text === "string" && text !== ""
}

/** What can't stand in a URL or a header. */
function wrongTexts(operation: Operation, example: RawExample): readonly string[] {
  const { params, headers } = example
  const objects = (["params", "query", "headers"] as const).flatMap((part) =>
    Object.entries((example[part] ?? {}) as object)
      .filter(([, value]) => value !== undefined && written(value) === undefined)
      .map(([key]) => `${part}.${key}: an object can't be written there`),
  )
  const bad = Object.entries((headers ?? {}) as object)
    .filter(([, value]) => !headerText.test([written(value) ?? ""].flat().join(", ")))
    .map(([key]) => `headers.${key}: a header can't have all of these characters`)
  const isMissing = params !== undefined && objects.length === 0 && !hasPath(operation, example)
  const missing = isMissing ? ["params: a parameter of the path is missing or empty"] : []
  return [...objects, ...bad, ...missing]
}

const headerText = /^[\t\x20-\x7e\x80-\xff]*$/

/** What is wrong with bytes and files, and whether all are there that have to be. */
function wrongBytes({ body }: Operation, { body: given }: RawExample): Examined {
  if (body === undefined || isSchema(body)) return { wrong: [], isWhole: true }
  if (body.kind === "bytes") {
    if (given === undefined) return { wrong: [], isWhole: false }
    return { wrong: wrongBinary("body", given, body.mediaTypes), isWhole: true }
  }
  const { files } = body as { readonly files: FileFields }
  const there = (given as { readonly files?: Readonly<Record<string, unknown>> } | undefined)?.files
  const needed = Object.keys(files).filter((file) => !files[file]?.optional)
  const missing = needed.filter((file) => there?.[file] === undefined)
  const wrong = Object.entries(there ?? {}).flatMap(([file, value]) => {
    const field = Object.hasOwn(files, file) ? files[file] : undefined
    if (field === undefined) return [`body.files.${file}: there is no such file in this form`]
    return value === undefined ? [] : wrongBinary(`body.files.${file}`, value, field.mediaTypes)
  })
  const lacks = given === undefined ? [] : missing.map((file) => `body.files.${file} is missing`)
  return { wrong: [...wrong, ...lacks], isWhole: missing.length === 0 }
}

function wrongBinary(where: string, given: unknown, mediaTypes: readonly string[]): string[] {
  const bare = isBytes(given) ? given : (given as { readonly bytes?: unknown } | null)?.bytes
  if (!isBytes(bare)) {
    return [`${where}: it must have bytes, a text, or the file: URL of a file that has them`]
  }
  const { bytes, mediaType }: NamedBytes = namedBytes(given, mediaTypes)
  if (bytes instanceof URL && !existsSync(bytes)) {
    return [`${where}: ${fileURLToPath(bytes)} does not exist`]
  }
  const accepted = mediaTypes.join(", ")
  if (mediaType === undefined) {
    return [`${where}: say by mediaType which of ${accepted} it is`]
  }
  const isAccepted = mediaTypes.some((range) => mediaTypeMatches(mediaType, range))
  return mediaTypes.length === 0 || isAccepted
    ? []
    : [`${where}: its mediaType is ${mediaType}, which must be ${accepted}`]
}

/** The example as it comes in a request; bytes are left out, since nobody looks into them here. */
function received(operation: Operation, example: RawExample): Received {
  const { params, query, headers, body } = operation
  return {
    path: params && texts(example.params, encodeURIComponent),
    query: query && texts(example.query),
    headers: headers && texts(example.headers, undefined, (list) => list.join(", ")),
    body: body && receivedBody(operation, example.body),
  }
}

function receivedBody({ body }: Operation, given: unknown): ReceivedBody {
  if (isSchema(body)) {
    const json = given === undefined ? undefined : JSON.stringify(given)
    return { kind: "json", pieces: json === undefined ? [] : [new Uint8Array(Buffer.from(json))] }
  }
  if (body?.kind === "bytes") {
    const { mediaType = "" } = given === undefined ? {} : namedBytes(given, body.mediaTypes)
    return { kind: "bytes", pieces: [], mediaType }
  }
  const form = given ?? {}
  const files = Array.from(filesOf(body as MultipartBody, form), ([field, file]) => {
    const { mediaType = "", filename = field } = file
    return [field, { pieces: [], mediaType, filename }] as const
  })
  return {
    kind: "form",
    fields: mapped(fieldsOf(form), writtenField),
    files: Object.fromEntries(files),
    issues: { first: [], count: 0 },
  }
}

type Texts = Record<string, string | readonly string[]>

function texts(
  given: unknown,
  encode: (text: string) => string = (text) => text,
  join: (list: readonly string[]) => string | readonly string[] = (list) => list,
): Texts {
  return mapped((given ?? {}) as Readonly<Record<string, unknown>>, (value) => {
    const text = written(value)
    if (text === undefined || typeof text === "string") return text && encode(text)
    const [only] = text
    if (only === undefined) return undefined
    return text.length === 1 ? encode(only) : join(text.map(encode))
  })
}

/** Without what is not there. */
function mapped(
  values: Readonly<Record<string, unknown>>,
  make: (value: unknown) => string | readonly string[] | undefined,
): Texts {
  const made = Object.entries(values).map(([name, value]) => [name, make(value)] as const)
  return Object.fromEntries(
    made.filter((entry): entry is [string, string | string[]] => entry[1] !== undefined),
  )
}
