/**
 * Receives an operation's input: takes what there is of it off the request, as it is. What it means
 * is found out by its reader, here or on a worker (input/place.ts says where).
 */
import type { BytesBody, MultipartBody } from "../body.ts"
import { hereBytesMax, isClonedWell } from "../input/place.ts"
import { headerNames, type InputReader, inputReader } from "../input/reader.ts"
import { jsonLengthOf, lengthOf, type Received, type ReceivedBody } from "../input/received.ts"
import type { Operation } from "../operation.ts"
import { describe, isSchema } from "../schema.ts"
import type { Exchange } from "./exchange.ts"
import { checkFileCount, fieldTest, readForm, type WantedParts } from "./form.ts"
import { mediaTypeOf } from "./media-type.ts"
import { readBody } from "./read-body.ts"

/** How the input of an operation gets from a request to `run`. */
export interface Intake {
  /**
   * Takes the input off a request.
   * @throws {Problem} 400 or 413. @throws {NoRoom}
   */
  readonly receive: (exchange: Exchange) => Promise<Received>
  /** Reads it on this thread. */
  readonly read: InputReader
  /** Whether it is to be read on this thread, once it has been received. */
  readonly isReadHere: (exchange: Exchange, received: Received) => boolean
  /** Whether what was read here can be cloned to a worker; else it is read there once more. */
  readonly isClonedWell: boolean
}

/** @throws {Error} when a schema can't be described or names a header that can never come. */
export function intakeOf(name: string, operation: Operation, bytesMax: number): Intake {
  const names = headerNames(operation, name)
  const receiveBody = bodyReceiver(operation, name, bytesMax)
  const bytesHereMax = hereBytesMax(operation)
  const readsUrl = operation.params !== undefined || operation.query !== undefined
  return {
    async receive(exchange) {
      const { request } = exchange
      const body = receiveBody && (await receiveBody(exchange))
      return {
        path: operation.params && (request.params as Received["path"]),
        query: operation.query && (request.query as Received["query"]),
        headers: operation.headers && named(request.headers, names),
        body,
      }
    },
    read: inputReader(name, operation),
    isReadHere({ request }, { headers, body }) {
      if (bytesHereMax === Number.POSITIVE_INFINITY) return true
      if (bytesHereMax === 0) return false
      let bytes = readsUrl ? (request.raw.url as string).length : 0
      if (headers !== undefined) bytes += textLength(headers)
      const [text, binary] = lengthsOf(body)
      // To put the pieces of a large file together takes its time too, and `cost` wants to see it.
      if (operation.cost === undefined && binary > bytesHereMax) return false
      return bytes + text <= bytesHereMax
    },
    isClonedWell: isClonedWell(operation),
  }
}

function named(headers: Readonly<Record<string, unknown>>, names: readonly string[]) {
  const found: Record<string, unknown> = {}
  for (const name of names) if (headers[name] !== undefined) found[name] = headers[name]
  return found
}

/** Of what is to be parsed or checked, and of what is bytes to `run` as well. */
function lengthsOf(body: ReceivedBody | undefined): readonly [text: number, binary: number] {
  if (body === undefined) return [0, 0]
  if (body.kind !== "form") {
    const length = lengthOf(body.pieces)
    return body.kind === "json" ? [length, 0] : [0, length]
  }
  let binary = 0
  for (const file of Object.values(body.files)) if (file) binary += lengthOf(file.pieces)
  return [textLength(body.fields) + jsonLengthOf(body), binary]
}

function textLength(fields: Readonly<Record<string, unknown>>): number {
  let length = 0
  for (const [name, value] of Object.entries(fields)) {
    length += name.length
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === "string") length += one.length + 1
    }
  }
  return length
}

type BodyReceiver = (exchange: Exchange) => Promise<ReceivedBody>

function bodyReceiver(
  operation: Operation,
  name: string,
  bytesMax: number,
): BodyReceiver | undefined {
  const { body: spec } = operation
  if (spec === undefined) return undefined
  if (isSchema(spec)) {
    return async (exchange) => ({ kind: "json", pieces: await readBody(exchange, bytesMax) })
  }
  if (spec.kind === "bytes") return bytesReceiver(spec, bytesMax)
  return formReceiver(spec, name, bytesMax)
}

function bytesReceiver(spec: BytesBody, bytesMax: number): BodyReceiver {
  return async (exchange) => {
    const pieces = await readBody(exchange, bytesMax)
    const mediaType = mediaTypeOf(exchange.request.headers["content-type"]) ?? spec.mediaTypes[0]
    return { kind: "bytes", pieces, mediaType }
  }
}

function formReceiver(
  { fields: schema, files }: MultipartBody,
  name: string,
  bytesMax: number,
): BodyReceiver {
  checkFileCount(name, Object.keys(files).length)
  const described = schema && describe(schema, "input", `The form fields of operation "${name}"`)
  const wanted: WantedParts = { files, isField: fieldTest(described) }
  return (exchange) => readForm(exchange, bytesMax, wanted)
}
