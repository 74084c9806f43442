/**
 * From what `run` returned to what goes over the wire. It happens where `run` happened, on the
 * worker, so that the main thread has nothing left to do but pass bytes on: checking the output,
 * serialising it and compressing it are work like any other, and count as the operation's own.
 *
 * That is also why compression is synchronous here: one task runs on a worker at a time, and
 * zlib's thread pool would do the work on a thread whose CPU time nobody measures.
 */
import { isMarkedAsUntransferable } from "node:worker_threads"
import type { ZlibOptions } from "node:zlib"
import { type BytesBody, charsetOf, mediaTypeMatches } from "./body.ts"
import { toFault } from "./fault.ts"
import type { Issues } from "./issues.ts"
import type { Operation } from "./operation.ts"
import type { Encoding, JsonText, Outcome, Reply } from "./outcome.ts"
import { isProblem, type Problem, type WrittenProblem } from "./problem.ts"
import { check, isSchema, type Schema } from "./schema.ts"
import { findUnwritable, isOfJson } from "./written.ts"

/**
 * The reply to a call: its output checked, serialised, and compressed when an encoding is given.
 *
 * Bytes in the reply own their whole buffer, so that it can be transferred.
 *
 * @throws {Error} when the value is not what the operation says it answers. Its message, which is
 * for the log only, names the operation and what is wrong.
 */
export async function makeReply(
  operation: Operation,
  value: unknown,
  encoding: Encoding | undefined,
): Promise<Reply> {
  const { output } = operation
  if (isIterator(value)) {
    throw wrong(
      operation,
      "it returned an iterator, which has no JSON; to answer item by item, make `run` itself a generator (`*run`, `async *run`)",
    )
  }
  if (output === undefined) return { kind: "empty" }
  if (!isSchema(output)) return bytesReply(operation, output, value, encoding)

  const text = await toJson(operation, output, value)
  if (text === undefined) return { kind: "empty" }
  const mediaType = "application/json"
  if (encoding !== undefined && text.length >= compressBytesMin) {
    return { kind: "bytes", bytes: compress(Buffer.from(text), encoding), mediaType, encoding }
  }
  const written = toSend(text)
  if (typeof written === "string") return { kind: "json", text: written }
  return { kind: "bytes", bytes: written, mediaType, encoding: undefined }
}

/** What fits into one write with the head is sent as a text; the bytes of more are made here. */
const textLengthMax = 16_384

function toSend(json: string): JsonText {
  return json.length <= textLengthMax ? json : new TextEncoder().encode(json)
}

/** A problem document, as it is sent. @throws when an extension of it can't be written as JSON. */
export function written(problem: Problem): WrittenProblem {
  return { status: problem.details.status, json: toSend(JSON.stringify(problem)) }
}

/** What comes of something that `run`, or what belongs to it, threw. */
export function outcomeOfThrown(thrown: unknown): Extract<Outcome, { kind: "problem" | "error" }> {
  try {
    if (isProblem(thrown)) return { kind: "problem", problem: written(thrown) }
  } catch (unwritable) {
    return { kind: "error", fault: toFault(unwritable) }
  }
  return { kind: "error", fault: toFault(thrown) }
}

/**
 * One item of a streaming operation, checked, as JSON.
 * @throws {Error} like {@link makeReply}.
 */
export async function makeItem(operation: Operation, value: unknown): Promise<JsonText> {
  const text = await toJson(operation, operation.output as Schema, value)
  if (text === undefined) throw wrong(operation, "an item that it yielded has no JSON")
  return toSend(text)
}

/** Below this, compression saves no packet and costs time on both sides. */
const compressBytesMin = 1024

async function toJson(
  operation: Operation,
  schema: Schema,
  value: unknown,
): Promise<string | undefined> {
  const checked = await check(schema, value, "output")
  if (!checked.ok) {
    throw wrong(operation, `its output does not fit its schema: ${listIssues(checked.issues)}`)
  }
  let text: string | undefined
  try {
    text = JSON.stringify(checked.value)
  } catch (cause) {
    throw wrong(
      operation,
      `its output can't be written as JSON: ${whyNot(checked.value, cause)}`,
      cause,
    )
  }
  // What JSON can't hold it writes as `null`, where the schema lets nothing else through than JSON has.
  if (isOfJson(schema) && !text?.includes("null")) return text
  const loss = lossOf(checked.value)
  if (loss !== undefined) throw wrong(operation, `its output can't be written as JSON: ${loss}`)
  return text
}

/** A `toJSON` or a property of the value's own may have thrown, and does so again. */
function whyNot(value: unknown, cause: unknown): string {
  const said = cause instanceof Error ? cause.message : String(cause)
  try {
    return lossOf(value) ?? said
  } catch {
    return said
  }
}

const keysShownMax = 20

/** What JSON would lose of a value, and in which field. */
function lossOf(value: unknown): string | undefined {
  const found = findUnwritable(value)
  if (found === undefined) return undefined
  const { path, what } = found
  // The end of a path says more than its beginning.
  const end =
    path.length <= keysShownMax ? ["output", ...path] : ["output.…", ...path.slice(-keysShownMax)]
  return `${end.join(".")} is ${what}`
}

/** What gives its values only when it is asked: JSON would have nothing but `{}` to say of it. */
function isIterator(value: unknown): boolean {
  if (typeof value !== "object" || value === null || "toJSON" in value) return false
  if (Symbol.asyncIterator in value) return true
  return Symbol.iterator in value && "next" in value && typeof value.next === "function"
}

function bytesReply(
  operation: Operation,
  spec: BytesBody,
  value: unknown,
  encoding: Encoding | undefined,
): Reply {
  const { bytes, mediaType, isOurs } = toBinary(operation, spec, value)
  if (encoding === undefined || bytes.byteLength < compressBytesMin) {
    // The service may keep them, for the next answer too, and what is transferred is gone.
    const sent = isOurs ? owned(bytes) : new Uint8Array(bytes)
    return { kind: "bytes", bytes: sent, mediaType, encoding: undefined }
  }
  return { kind: "bytes", bytes: compress(bytes, encoding), mediaType, encoding }
}

interface Encoded {
  readonly bytes: Uint8Array
  readonly mediaType: string
  /** Made here, so that nobody else has them. */
  readonly isOurs: boolean
}

function toBinary(operation: Operation, spec: BytesBody, value: unknown): Encoded {
  const [first] = spec.mediaTypes
  if (isContent(value)) {
    if (spec.mediaTypes.length > 1 || first.endsWith("/*")) {
      throw wrong(
        operation,
        `it returned ${typeof value === "string" ? "a string" : "bytes"} without a media type, and its output allows ${spec.mediaTypes.join(", ")}; return { bytes, mediaType }, bytes being a Uint8Array or a string`,
      )
    }
    return encoded(operation, value, first)
  }
  const { bytes, mediaType } = (value ?? {}) as { bytes?: unknown; mediaType?: unknown }
  if (!isContent(bytes) || typeof mediaType !== "string") {
    throw wrong(
      operation,
      "its output is bytes(); return a Uint8Array, a string, or { bytes, mediaType }",
    )
  }
  // `image/png; x=y` is covered by `image/png`: parameters are the operation's to add.
  const essence = (mediaType.split(";", 1)[0] as string).trim()
  if (!spec.mediaTypes.some((range) => mediaTypeMatches(essence, range))) {
    throw wrong(
      operation,
      `it returned "${mediaType}", and its output allows ${spec.mediaTypes.join(", ")}`,
    )
  }
  return encoded(operation, bytes, mediaType)
}

function isContent(value: unknown): value is Uint8Array | string {
  return typeof value === "string" || value instanceof Uint8Array
}

/** A string becomes UTF-8, and where that is not what its type means anyway, the type says so. */
function encoded(operation: Operation, content: Uint8Array | string, mediaType: string): Encoded {
  if (typeof content !== "string") {
    return { bytes: attached(operation, content), mediaType, isOurs: false }
  }
  const charset = charsetOf(mediaType)
  if (charset !== undefined && charset !== "utf-8") {
    throw wrong(
      operation,
      `it returned a string as "${mediaType}", and strings are sent as UTF-8; return bytes in that charset, or leave it out`,
    )
  }
  const mustSay = charset === undefined && /^text\//i.test(mediaType)
  return {
    bytes: Buffer.from(content),
    mediaType: mustSay ? `${mediaType}; charset=utf-8` : mediaType,
    isOurs: true,
  }
}

/** Bytes that were moved away look empty, and would be sent as if they were. */
function attached(operation: Operation, bytes: Uint8Array): Uint8Array {
  if ((bytes.buffer as ArrayBuffer).detached) {
    throw wrong(
      operation,
      "the bytes that it returned have been transferred to another thread, so nothing is left of them here; return them before that, or a copy: bytes.slice()",
    )
  }
  return bytes
}

/**
 * The bytes, alone in a buffer that can be transferred. Only a view of a part of a buffer (Node's
 * pool, a piece of a file), shared memory and buffers of native addons have to be copied for it.
 */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes
  const whole =
    buffer instanceof ArrayBuffer &&
    bytes.byteLength === buffer.byteLength &&
    !isMarkedAsUntransferable(buffer)
  return whole ? new Uint8Array(buffer) : new Uint8Array(bytes)
}

/** Levels that a server can afford for an answer that is compressed once and sent once. */
const brotliQuality = 5
const gzipOptions: ZlibOptions = { level: 6 }

function compress(bytes: Uint8Array, encoding: Encoding): Uint8Array<ArrayBuffer> {
  // Loaded by the first answer that needs it.
  const { brotliCompressSync, constants, gzipSync, zstdCompressSync } =
    process.getBuiltinModule("node:zlib")
  switch (encoding) {
    case "zstd":
      return owned(zstdCompressSync(bytes))
    case "br":
      return owned(
        brotliCompressSync(bytes, {
          params: {
            [constants.BROTLI_PARAM_QUALITY]: brotliQuality,
            [constants.BROTLI_PARAM_SIZE_HINT]: bytes.byteLength,
          },
        }),
      )
    case "gzip":
      return owned(gzipSync(bytes, gzipOptions))
    default:
      return encoding satisfies never
  }
}

/** As many as a line of a log has room for. */
const listedMax = 10

function listIssues({ first, count }: Issues): string {
  const listed = first.slice(0, listedMax)
  const text = listed.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ")
  return count > listed.length ? `${text}; and ${count - listed.length} more` : text
}

function wrong(operation: Operation, what: string, cause?: unknown): Error {
  return new Error(`Operation ${operation.method} ${operation.path}: ${what}.`, { cause })
}
