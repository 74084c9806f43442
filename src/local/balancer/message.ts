/** HTTP/1.1 messages as they go over the wire. */

export const noBytes = Buffer.alloc(0)

/** A request to a replica. */
export interface Message {
  readonly method: string
  readonly head: string
  /** "flows": it is yet to come, at least in part. */
  readonly body: Buffer | "flows"
  readonly isChunked: boolean
  readonly mayUpgrade: boolean
}

/**
 * @param headers names and values in turn.
 * @throws {TypeError} when the path or a header can't be sent: what parses it at the other end must
 *   see one request, and this one.
 */
export function requestHead(method: string, path: string, headers: readonly string[]): string {
  if (unfitPath.test(path))
    throw new TypeError("The path has characters that may not stand in one.")
  const odd = headers.find((text) => unsendable.test(text))
  if (odd !== undefined) throw new TypeError(`${JSON.stringify(odd)} can't be sent in a header.`)
  return `${method} ${path} HTTP/1.1\r\n${linesOf(headers)}\r\n`
}

export function responseHead(status: number, reason: string, headers: readonly string[]): string {
  return `HTTP/1.1 ${status} ${reason}\r\n${linesOf(headers)}\r\n`
}

/** @param headers names and values in turn. */
export function linesOf(headers: readonly string[]): string {
  let lines = ""
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`
  return lines
}

const unfitPath = /[^\x21-\xff]/
const unsendable = /[^\t\x20-\x7e\x80-\xff]/
