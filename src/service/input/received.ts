/**
 * An input as it was received: taken off the connection, and neither parsed nor checked. It consists
 * of nothing but what crosses to a worker as it is.
 */
import type { Issues } from "../issues.ts"
import type { Fields } from "./coerce.ts"

export interface Received {
  readonly path: Fields | undefined
  readonly query: Fields | undefined
  /** Those that the schema names. */
  readonly headers: Fields | undefined
  readonly body: ReceivedBody | undefined
}

/** Bytes as they came, one piece after another. */
export type Pieces = readonly Uint8Array<ArrayBuffer>[]

export type ReceivedBody =
  | { readonly kind: "json"; readonly pieces: Pieces }
  | { readonly kind: "bytes"; readonly pieces: Pieces; readonly mediaType: string }
  | ReceivedForm

export interface ReceivedForm {
  readonly kind: "form"
  /** Texts and {@link JsonText}s, or arrays of them where a name came more than once. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly files: Readonly<Record<string, ReceivedFile | undefined>>
  /** What is wrong with its files. */
  readonly issues: Pick<Issues, "first" | "count">
}

/** A field that came as JSON by its type. */
export interface JsonText {
  readonly json: Pieces
}

export interface ReceivedFile {
  readonly pieces: Pieces
  readonly mediaType: string
  readonly filename: string
}

/** All the pieces in one, to be looked at. */
export function whole(pieces: Pieces): Uint8Array<ArrayBuffer> {
  const [only] = pieces
  return pieces.length === 1 && only !== undefined ? only : copied(pieces)
}

/** All the pieces in one, alone in its memory, so that it can be transferred. */
export function joined(pieces: Pieces): Uint8Array<ArrayBuffer> {
  const one = whole(pieces)
  return one.byteLength === one.buffer.byteLength ? one : copied(pieces)
}

function copied(pieces: Pieces): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(lengthOf(pieces))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

export function lengthOf(pieces: Pieces): number {
  let length = 0
  for (const piece of pieces) length += piece.length
  return length
}

/** How many bytes of JSON there are among a form's fields. */
export function jsonLengthOf({ fields }: ReceivedForm): number {
  let length = 0
  for (const field of Object.values(fields).flat()) {
    if (isJsonText(field)) length += lengthOf(field.json)
  }
  return length
}

export function isJsonText(field: unknown): field is JsonText {
  return typeof field === "object" && field !== null && "json" in field
}

/** An input as it goes to a worker. */
export interface Crossing {
  readonly received: Received
  /** What is moved there; the rest is cloned. */
  readonly transfer: readonly ArrayBuffer[]
}

/** Few bytes are copied out of the memory that they share with others; more lie in their own already. */
export function crossing(received: Received): Crossing {
  const { body } = received
  const transfer: ArrayBuffer[] = []
  const cross = (pieces: Pieces): Pieces => {
    if (lengthOf(pieces) <= copyBytesMin) return [copied(pieces)]
    for (const { buffer } of pieces) transfer.push(buffer)
    return pieces
  }
  if (body === undefined) return { received, transfer }
  if (body.kind !== "form") {
    return { received: { ...received, body: { ...body, pieces: cross(body.pieces) } }, transfer }
  }
  const crossField = (field: unknown) => (isJsonText(field) ? { json: cross(field.json) } : field)
  const fields = mapped(body.fields, (field) =>
    Array.isArray(field) ? field.map(crossField) : crossField(field),
  )
  const files = mapped(body.files, (file) => file && { ...file, pieces: cross(file.pieces) })
  return { received: { ...received, body: { ...body, fields, files } }, transfer }
}

function mapped<Value, Made>(
  values: Readonly<Record<string, Value>>,
  make: (value: Value) => Made,
): Record<string, Made> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, make(value)]))
}

/** Of fewer bytes than that, nothing is copied as they come; see gather.ts. */
export const copyBytesMin = 4096
