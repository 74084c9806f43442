/**
 * Bodies that are not JSON: raw bytes with a media type, and forms with files.
 * Their bytes cross to a worker thread by transfer, never by copy.
 */
import { isSchema, type Schema, type SchemaOutput } from "./schema.ts"

/** Bytes and what they are. */
export interface Binary {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** For example `image/png`, without parameters. */
  readonly mediaType: string
}

/** Bytes, or text that is sent as UTF-8, and what they are: what an output of {@link bytes} can be. */
export interface BinaryAnswer {
  readonly bytes: Uint8Array | string
  /** With parameters, if you like. A string of a `text/` type without a charset gets `charset=utf-8`. */
  readonly mediaType: string
}

/** A file of a form. */
export interface UploadedFile extends Binary {
  /** As the client named it. Never use it as a path. */
  readonly filename: string
}

/** Says that a request or response body is raw bytes. Made by {@link bytes}. */
export interface BytesBody {
  readonly kind: "bytes"
  readonly mediaTypes: readonly [string, ...string[]]
}

/** Says what a file of a form may be. Made by {@link file}. */
export interface FileField<Optional extends boolean = boolean> {
  readonly kind: "file"
  readonly mediaTypes: readonly string[]
  readonly optional: Optional
}

export type FileFields = Readonly<Record<string, FileField>>

/** Says that a request body is `multipart/form-data`. Made by {@link multipart}. */
export interface MultipartBody<
  Fields extends Schema | undefined = Schema | undefined,
  Files extends FileFields = FileFields,
> {
  readonly kind: "multipart"
  readonly fields: Fields
  readonly files: Files
}

/** What an operation can take as a body. */
export type BodySpec = Schema | BytesBody | MultipartBody
/** What an operation can answer. */
export type OutputSpec = Schema | BytesBody

/** What `run` gets of a form. */
export interface Form<Fields extends Schema | undefined, Files extends FileFields> {
  readonly fields: Fields extends Schema ? SchemaOutput<Fields> : undefined
  readonly files: {
    readonly [Name in keyof Files]: Files[Name] extends FileField<false>
      ? UploadedFile
      : UploadedFile | undefined
  }
}

const mediaTypePattern = /^[a-z0-9!#$&^_.+-]+\/(\*|[a-z0-9!#$&^_.+-]+)$/

/**
 * A body of raw bytes.
 *
 * As a request body, any of `mediaTypes` is accepted (ranges such as `image/*` too), all others
 * answer 415. As an output, they are what the operation can answer; `run` says which one it made,
 * or returns bare bytes when there is only one. A string will do for bytes: it is sent as UTF-8.
 *
 * @throws {TypeError} on something that is not a media type.
 */
export function bytes(...mediaTypes: [string, ...string[]]): BytesBody {
  for (const mediaType of mediaTypes) assertMediaType("bytes()", mediaType)
  return { kind: "bytes", mediaTypes }
}

/** A required file of a form, of one of `mediaTypes` (any, when none is given). */
export function file(...mediaTypes: string[]): FileField<false> {
  for (const mediaType of mediaTypes) assertMediaType("file()", mediaType)
  return { kind: "file", mediaTypes, optional: false }
}

/** A file that may be left out; `run` gets `undefined` for it. */
export function optionalFile(...mediaTypes: string[]): FileField<true> {
  return { ...file(...mediaTypes), optional: true }
}

/**
 * A `multipart/form-data` body.
 *
 * `fields` is checked against the form's fields; they arrive as strings and are turned into numbers
 * and booleans where the schema says so, like a query, and into objects and lists where they are
 * JSON. A field or file that is not declared is refused with 422; a field only where the schema is
 * strict, or there is none. An empty file without a name, and an empty text where the field may be
 * left out, are not given. The operation's body limit holds for the form as a whole.
 */
export function multipart<
  Fields extends Schema | undefined = undefined,
  const Files extends FileFields = Record<never, FileField>,
>(form: { readonly fields?: Fields; readonly files?: Files }): MultipartBody<Fields, Files> {
  if (form.fields !== undefined && !isSchema(form.fields)) {
    throw new TypeError("multipart(): `fields` is not a Standard Schema with JSON Schema.")
  }
  return {
    kind: "multipart",
    fields: form.fields as Fields,
    files: form.files ?? ({} as Files),
  }
}

/** Whether `mediaType` is covered by `range`, which may be a range such as `image/*`. */
export function mediaTypeMatches(mediaType: string, range: string): boolean {
  if (range === "*/*" || range === mediaType) return true
  return range.endsWith("/*") && mediaType.startsWith(range.slice(0, -1))
}

/** The charset that a `content-type` names, in lower case; `utf-8` however UTF-8 is written. */
export function charsetOf(contentType: string): string | undefined {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]*)/i.exec(contentType)?.[1]?.toLowerCase()
  return charset === "utf8" ? "utf-8" : charset
}

function assertMediaType(where: string, mediaType: string): void {
  if (mediaType !== "*/*" && !mediaTypePattern.test(mediaType)) {
    throw new TypeError(
      `${where}: "${mediaType}" is not a media type. Write it like "image/png", "image/*" or "*/*", in lower case and without parameters.`,
    )
  }
}
