/** What goes over the wire for what a scenario asks for. */
import type { Plan } from "../config.ts"
import { formBody } from "../scenario/form.ts"
import type { RequestOptions } from "../scenario/scenario.ts"

export interface Message {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | null
  /** The request line and all headers, as they are sent. */
  readonly head: string
}

/** What is the same for all requests of a run. */
export interface MessageBase {
  /** In front of every path: the target's own. */
  readonly prefix: string
  readonly host: string
  readonly headers: Readonly<Record<string, string>>
  /** The headers as they are sent, the host's included. */
  readonly text: string
  /** What is asked for again and again, by path: plain GETs. */
  readonly known: Map<string, Message>
}

/** Paths with ids in them are many, and each is asked for once. */
const knownMax = 1000

export function messageBase({ target, headers: own }: Plan): MessageBase {
  const headers = { "user-agent": "capstan-load", ...lowered(own) }
  const base = { prefix: target.pathname.replace(/\/$/, ""), host: target.host, headers }
  return { ...base, text: textOf(base.host, headers), known: new Map() }
}

/** May it be sent twice, when nobody knows whether it arrived? */
export function isIdempotent(method: string): boolean {
  return ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"].includes(method)
}

/** @throws {TypeError} when the method, the path or a header is none. */
export function messageOf(
  base: MessageBase,
  method: string,
  path: string,
  options: RequestOptions,
  cookie: string | undefined,
): Message {
  if (path[0] !== "/") {
    throw new TypeError(
      `The path is ${JSON.stringify(path)}; it must begin with a slash: requests go to the target.`,
    )
  }
  const { query, json, form, body = null, headers } = options
  const isPlain = cookie === undefined && headers === undefined
  if (method === "GET" && isPlain && !query && body === null && !json && !form) {
    return plainGet(base, path)
  }
  const whole = base.prefix + path + (query === undefined ? "" : search(path, query))
  if (json !== undefined) {
    const own = { "content-type": "application/json" }
    return made(base, method, whole, merged(base, own, cookie, headers), JSON.stringify(json))
  }
  if (form !== undefined) {
    const encoded = formBody(form)
    const own = { "content-type": encoded.contentType }
    return made(base, method, whole, merged(base, own, cookie, headers), encoded.body)
  }
  const all = isPlain ? base.headers : merged(base, {}, cookie, headers)
  return made(base, method, whole, all, body)
}

function plainGet(base: MessageBase, path: string): Message {
  const known = base.known.get(path)
  if (known !== undefined) return known
  const message = made(base, "GET", base.prefix + path, base.headers, null)
  if (base.known.size < knownMax) base.known.set(path, message)
  return message
}

/** The same message somewhere else, or as something else. @throws {TypeError} as {@link messageOf}. */
export function readdressed(
  base: MessageBase,
  { method, path, headers, body }: Omit<Message, "head">,
): Message {
  return made(base, method, path, headers, body)
}

const unfitPath = /[^\x21-\x7e]/
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

function made(
  base: MessageBase,
  method: string,
  path: string,
  headers: Message["headers"],
  body: Message["body"],
): Message {
  if (unfitPath.test(path)) {
    throw new TypeError(
      `The path ${JSON.stringify(path)} has characters that may not stand in one; encodeURI() or the option \`query\` writes them so that they may.`,
    )
  }
  if (!token.test(method)) throw new TypeError(`The method ${JSON.stringify(method)} is none.`)
  // The run's own headers are text already: most requests have no others.
  const text = headers === base.headers ? base.text : textOf(base.host, headers)
  const hasBody = body !== null || method === "POST" || method === "PUT" || method === "PATCH"
  const length = hasBody ? `content-length: ${lengthOf(body)}\r\n` : ""
  const head = `${method} ${path} HTTP/1.1\r\n${text}${length}\r\n`
  return { method, path, headers, body, head }
}

function lengthOf(body: Message["body"]): number {
  if (body === null) return 0
  return typeof body === "string" ? Buffer.byteLength(body) : body.byteLength
}

function merged(
  base: MessageBase,
  own: Readonly<Record<string, string>>,
  cookie: string | undefined,
  headers: RequestOptions["headers"],
): Message["headers"] {
  return {
    ...own,
    ...(cookie === undefined ? {} : { cookie }),
    ...base.headers,
    ...(headers === undefined ? {} : lowered(headers)),
  }
}

function lowered(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  )
}

const unfitValue = /[^\t\x20-\x7e\x80-\xff]/

function textOf(host: string, headers: Message["headers"]): string {
  let text = headers.host === undefined ? `host: ${host}\r\n` : ""
  for (const [name, given] of Object.entries(headers)) {
    const value = String(given)
    if (!token.test(name) || unfitValue.test(value)) {
      // The value may be a secret, and this is for a report.
      throw new TypeError(
        `${JSON.stringify(name)} can't be sent as a header with the value it has.`,
      )
    }
    // What frames the message is not the scenario's to say.
    if (name === "content-length" || name === "transfer-encoding") continue
    text += `${name}: ${value}\r\n`
  }
  return text
}

function search(path: string, query: NonNullable<RequestOptions["query"]>): string {
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    [value].flat().map((one) => [key, String(one)]),
  )
  if (pairs.length === 0) return ""
  return `${path.includes("?") ? "&" : "?"}${new URLSearchParams(pairs)}`
}
