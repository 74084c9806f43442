/** Forms with files: how a browser sends them, RFC 7578. */
import { randomBytes } from "node:crypto"
import { readFile } from "node:fs/promises"
import { basename } from "node:path"
import { fileURLToPath } from "node:url"
import type { RequestOptions } from "./scenario.ts"

const brand: unique symbol = Symbol.for("capstan.load.file") as never

/** A file to send, read once and sent as often as wanted. */
export interface FormFile {
  readonly [brand]: true
  readonly name: string
  readonly type: string
  readonly bytes: Uint8Array
}

/**
 * Reads a file for a form, at the top of a scenario's module: `const cat = await file(path)`.
 * @param options `type` is its media type, `application/octet-stream` unless said otherwise; `name`
 * is the name that it is sent under, its own by default.
 * @throws {Error} when it can't be read.
 */
export async function file(
  path: URL | string,
  options: { readonly type?: string; readonly name?: string } = {},
): Promise<FormFile> {
  const bytes = await readFile(path)
  const { type = "application/octet-stream" } = options
  const { name = basename(path instanceof URL ? fileURLToPath(path) : path) } = options
  return { [brand]: true, name, type, bytes }
}

export interface FormBody {
  readonly contentType: string
  readonly body: string | Uint8Array
}

/** With a file it is `multipart/form-data`, without one `application/x-www-form-urlencoded`. */
export function formBody(fields: NonNullable<RequestOptions["form"]>): FormBody {
  const entries = Object.entries(fields)
  if (!entries.some(([, value]) => isFile(value))) {
    return urlEncoded(entries.map(([name, value]) => [name, String(value)] as const))
  }
  const parts = entries.flatMap(([name, value]) => [...part(name, value), Buffer.from("\r\n")])
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]),
  }
}

type Texts = readonly (readonly [name: string, text: string])[]
type TextBody = FormBody & { readonly body: string }

export function urlEncoded(fields: Texts): TextBody {
  return {
    contentType: "application/x-www-form-urlencoded",
    body: new URLSearchParams(fields.map(([name, text]) => [name, text])).toString(),
  }
}

/** A form without files, for who takes no other. */
export function multipartBody(fields: Texts): TextBody {
  const parts = fields.map(([name, text]) => `${Buffer.concat(part(name, text))}\r\n`)
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: `${parts.join("")}--${boundary}--\r\n`,
  }
}

/** By chance, so that no file holds it. */
const boundary = `capstan-${randomBytes(18).toString("base64url")}`

function part(name: string, value: FormFile | string | number | boolean): Uint8Array[] {
  const head = `--${boundary}\r\ncontent-disposition: form-data; name="${quoted(name)}"`
  if (!isFile(value)) return [Buffer.from(`${head}\r\n\r\n${value}`)]
  const more = `; filename="${quoted(value.name)}"\r\ncontent-type: ${value.type}\r\n\r\n`
  return [Buffer.from(head + more), value.bytes]
}

/** As browsers do it. */
function quoted(text: string): string {
  return text.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A")
}

function isFile(value: unknown): value is FormFile {
  return typeof value === "object" && value !== null && brand in value
}
