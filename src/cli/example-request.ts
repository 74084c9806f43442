/** An operation's example as a request that can be sent. */
import { readFile } from "node:fs/promises"
import type { MultipartBody } from "../service/body.ts"
import {
  type ExampleBytes,
  fieldsOf,
  filesOf,
  namedBytes,
  type RawExample,
  written,
  writtenField,
} from "../service/example.ts"
import { examiner } from "../service/input/examples.ts"
import type { Operation } from "../service/operation.ts"
import { isSchema } from "../service/schema.ts"

export interface ExampleRequest {
  /** The example's name. */
  readonly example: string
  /** With its query. */
  readonly path: string
  readonly request: RequestInit
}

/** The request of the first example that has all that the operation needs. */
export async function firstRequest(
  name: string,
  operation: Operation,
): Promise<ExampleRequest | undefined> {
  const examine = examiner(name, operation)
  for (const [called, example] of Object.entries(operation.examples)) {
    const { wrong, isWhole } = await examine(example)
    if (wrong.length > 0 || !isWhole) continue
    const request = await requestOf(operation, example)
    return { example: called, path: pathOf(operation, example), request }
  }
  return undefined
}

function pathOf({ path }: Operation, { params, query }: RawExample): string {
  const filled = path.replaceAll(/\{([^}]*)\}/g, (_, name: string) => {
    const value = (params as Readonly<Record<string, unknown>>)[name]
    return encodeURIComponent(String(written(value)))
  })
  const search = new URLSearchParams(pairs(query, written)).toString()
  return search === "" ? filled : `${filled}?${search}`
}

async function requestOf(
  { method, body }: Operation,
  { headers: own, body: given }: RawExample,
): Promise<RequestInit> {
  const headers = new Headers(pairs(own, (value) => [written(value) ?? []].flat().join(", ")))
  if (body === undefined) return { method, headers }
  if (isSchema(body)) {
    if (given === undefined) return { method, headers }
    if (!headers.has("content-type")) headers.set("content-type", "application/json")
    return { method, headers, body: JSON.stringify(given) }
  }
  if (body.kind === "bytes") {
    const { bytes, mediaType = "" } = namedBytes(given, body.mediaTypes)
    if (!headers.has("content-type")) headers.set("content-type", mediaType)
    return { method, headers, body: await read(bytes) }
  }
  // With the boundary that is chosen when it is sent.
  headers.delete("content-type")
  return { method, headers, body: await formOf(body as MultipartBody, given ?? {}) }
}

async function formOf(body: MultipartBody, given: unknown): Promise<FormData> {
  const form = new FormData()
  for (const [name, text] of pairs(fieldsOf(given), writtenField)) form.append(name, text)
  for (const [field, { bytes, mediaType = "", filename = field }] of filesOf(body, given)) {
    form.append(field, new Blob([await read(bytes)], { type: mediaType }), filename)
  }
  return form
}

async function read(bytes: ExampleBytes): Promise<Uint8Array<ArrayBuffer>> {
  const whole = bytes instanceof URL ? await readFile(bytes) : Buffer.from(bytes as string)
  return new Uint8Array(whole)
}

/** Each name with its text, as often as it has one. */
function pairs(
  values: unknown,
  write: (value: unknown) => string | readonly string[] | undefined,
): [string, string][] {
  return Object.entries((values ?? {}) as object).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [write(value) ?? []].flat().map((text): [string, string] => [name, text]),
  )
}
