/**
 * Examples of an operation: what the documentation offers to send, and what a bundle is tried with
 * before it becomes an image. One is written as `run` gets its input; where that has bytes, it names
 * a file beside the service, because a picture has no place in code or in a document.
 */
import { basename } from "node:path"
import { fileURLToPath } from "node:url"
import type {
  BodySpec,
  BytesBody,
  FileField,
  FileFields,
  MultipartBody,
  OutputSpec,
} from "./body.ts"
import type { Schema, SchemaInput, SchemaOutput } from "./schema.ts"

/**
 * Bytes of an example: themselves, a text that is sent as UTF-8, or the file that has them:
 * `new URL("./example.png", import.meta.url)`.
 */
export type ExampleBytes = Uint8Array | string | URL

/** Bytes of an example, and what they are. */
export interface ExampleBinary {
  readonly bytes: ExampleBytes
  /** For example `image/png`. May be left out where only one type is accepted. */
  readonly mediaType?: string
}

/** A file of an example's form. */
export interface ExampleFile extends ExampleBinary {
  /** @default the name of the file that has the bytes; else the field's */
  readonly filename?: string
}

type FilesOf<Files extends FileFields> = {
  readonly [Name in keyof Files as Files[Name] extends FileField<false> ? Name : never]:
    | ExampleBytes
    | ExampleFile
} & {
  readonly [Name in keyof Files as Files[Name] extends FileField<false> ? never : Name]?:
    | ExampleBytes
    | ExampleFile
}

/** An example of a form. */
export type ExampleForm<
  Fields extends Schema | undefined,
  Files extends FileFields,
> = (Fields extends Schema
  ? { readonly fields: SchemaInput<Fields> }
  : { readonly fields?: undefined }) &
  (Record<never, never> extends FilesOf<Files>
    ? { readonly files?: FilesOf<Files> }
    : { readonly files: FilesOf<Files> })

type Given<S> = S extends Schema ? SchemaInput<S> : undefined
type GivenBody<B> = B extends BytesBody
  ? ExampleBytes | ExampleBinary
  : B extends MultipartBody<infer Fields, infer Files extends FileFields>
    ? ExampleForm<Fields, Files>
    : Given<B>
type Answered<O> = O extends BytesBody
  ? ExampleBytes | ExampleBinary
  : O extends Schema
    ? SchemaOutput<O>
    : undefined

/**
 * An example of an operation. Swagger UI offers it under "Try it out", and the first one that has all
 * that the operation needs is what a bundle is asked before it becomes an image. What is given of it
 * is checked when the server starts.
 */
export interface Example<
  Path extends Schema | undefined = undefined,
  Query extends Schema | undefined = undefined,
  Headers extends Schema | undefined = undefined,
  Body extends BodySpec | undefined = undefined,
  Output extends OutputSpec | undefined = undefined,
> {
  readonly summary?: string
  /** The path's parameters. */
  readonly params?: Given<Path>
  readonly query?: Given<Query>
  readonly headers?: Given<Headers>
  /** JSON as it is; bytes, or `{ bytes, mediaType }`; of a form `{ fields, files }`. */
  readonly body?: GivenBody<Body>
  /** Of a stream, an item. */
  readonly output?: Answered<Output>
}

/** An example, its types erased. */
export interface RawExample {
  readonly summary?: string
  readonly params?: unknown
  readonly query?: unknown
  readonly headers?: unknown
  readonly body?: unknown
  readonly output?: unknown
}

/** Bytes of an example with what is left out of it filled in. */
export interface NamedBytes {
  readonly bytes: ExampleBytes
  /** `undefined` where several are accepted, and it does not say which. */
  readonly mediaType: string | undefined
  readonly filename: string | undefined
}

/** @param mediaTypes those that are accepted; any, when there are none. */
export function namedBytes(given: unknown, mediaTypes: readonly string[]): NamedBytes {
  const isBare = isBytes(given)
  const { bytes, mediaType, filename } = (isBare ? { bytes: given } : given) as ExampleFile
  return {
    bytes,
    mediaType: mediaType ?? onlyOf(mediaTypes),
    filename: filename ?? (bytes instanceof URL ? basename(fileURLToPath(bytes)) : undefined),
  }
}

/** Whether it can be the bytes of an example; a URL has to be one of a file. */
export function isBytes(value: unknown): value is ExampleBytes {
  if (value instanceof URL) return value.protocol === "file:"
  return typeof value === "string" || value instanceof Uint8Array
}

/** The files of an example's form, by field. */
export function filesOf({ files }: MultipartBody, given: unknown): ReadonlyMap<string, NamedBytes> {
  const own = (given as { readonly files?: Readonly<Record<string, unknown>> }).files ?? {}
  return new Map(
    Object.entries(own)
      .filter(([, file]) => file !== undefined)
      .map(([name, file]) => [name, namedBytes(file, files[name]?.mediaTypes ?? [])]),
  )
}

/** The fields of an example's form. */
export function fieldsOf(given: unknown): Readonly<Record<string, unknown>> {
  return (given as { readonly fields?: Readonly<Record<string, unknown>> }).fields ?? {}
}

function onlyOf(mediaTypes: readonly string[]): string | undefined {
  const [only = "*/*"] = mediaTypes
  if (mediaTypes.length > 1 || (only !== "*/*" && only.endsWith("/*"))) return undefined
  return only === "*/*" ? "application/octet-stream" : only
}

/**
 * A value as a path, a query, a header or a form has it: a text, or several under one name;
 * `undefined` where it is not there at all, or can't be written.
 */
export function written(value: unknown): string | readonly string[] | undefined {
  if (Array.isArray(value)) {
    const texts = value.map(textOf)
    return texts.every((text) => text !== undefined) ? texts : undefined
  }
  return textOf(value)
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || (typeof value === "object" && value !== null)) return undefined
  return String(value)
}

/** A form's field; an object, and a list with objects in it or nothing at all, is JSON there. */
export function writtenField(value: unknown): string | readonly string[] | undefined {
  if (value === undefined) return undefined
  const isEmpty = Array.isArray(value) && value.length === 0
  return (isEmpty ? undefined : written(value)) ?? JSON.stringify(value)
}
