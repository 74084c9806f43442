/**
 * Readers of requests, as servers have them that are more lenient than ours, each in its own way. What
 * the balancer sends to a replica has to mean the same to all of them: where two differ, one request
 * is two, or another one.
 */

export interface Temper {
  readonly name: string
  /** A line may end without a carriage return. */
  readonly takesBareLineFeeds: boolean
  /** What counts where a message has both. */
  readonly prefers: "length" | "chunks"
  readonly takesLength: "first" | "last"
  /** Spaces in front of a colon, folded lines, signs and hexadecimal digits are no matter. */
  readonly isLoose: boolean
}

export const tempers: readonly Temper[] = [
  {
    name: "by the book",
    takesBareLineFeeds: false,
    prefers: "chunks",
    takesLength: "first",
    isLoose: false,
  },
  {
    name: "loose, lengths first",
    takesBareLineFeeds: true,
    prefers: "length",
    takesLength: "first",
    isLoose: true,
  },
  {
    name: "loose, chunks first",
    takesBareLineFeeds: true,
    prefers: "chunks",
    takesLength: "last",
    isLoose: true,
  },
]

export interface ReadRequest {
  readonly method: string
  readonly path: string
  readonly bodyBytes: number
  /** All of it has come. */
  readonly isWhole: boolean
  readonly isUpgrade: boolean
}

/** @param bytes as latin1. */
export function readRequests(bytes: string, temper: Temper): readonly ReadRequest[] {
  const found: ReadRequest[] = []
  let at = 0
  while (at < bytes.length) {
    const head = headAt(bytes, at, temper)
    if (head === undefined) {
      const path = bytes.slice(at)
      found.push({ method: "", path, bodyBytes: 0, isWhole: false, isUpgrade: false })
      return found
    }
    const [method = "", path = ""] = head.line.split(" ")
    const body = bodyAt(bytes, head.end, head.headers, temper)
    const isUpgrade = head.headers.some(([name]) => name === "upgrade")
    const isWhole = body.end !== undefined
    found.push({ method, path, bodyBytes: body.bytes, isWhole, isUpgrade })
    if (body.end === undefined) return found
    at = body.end
  }
  return found
}

interface Head {
  readonly line: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly end: number
}

function lineAt(bytes: string, at: number, { takesBareLineFeeds }: Temper) {
  const found = bytes.indexOf(takesBareLineFeeds ? "\n" : "\r\n", at)
  if (found === -1) return undefined
  return takesBareLineFeeds
    ? { text: bytes.slice(at, found).replace(/\r$/, ""), end: found + 1 }
    : { text: bytes.slice(at, found), end: found + 2 }
}

function headAt(bytes: string, at: number, temper: Temper): Head | undefined {
  const first = lineAt(bytes, at, temper)
  if (first === undefined) return undefined
  const headers: [string, string][] = []
  for (let next = first.end; ; ) {
    const line = lineAt(bytes, next, temper)
    if (line === undefined) return undefined
    next = line.end
    if (line.text === "") return { line: first.text, headers, end: next }
    const last = headers.at(-1)
    if (temper.isLoose && /^[ \t]/.test(line.text) && last !== undefined) {
      last[1] += ` ${line.text.trim()}`
      continue
    }
    const colon = line.text.indexOf(":")
    const name = line.text.slice(0, colon).toLowerCase()
    headers.push([temper.isLoose ? name.trim() : name, line.text.slice(colon + 1).trim()])
  }
}

function bodyAt(
  bytes: string,
  at: number,
  headers: Head["headers"],
  temper: Temper,
): { readonly bytes: number; readonly end: number | undefined } {
  const valuesOf = (name: string): readonly string[] =>
    headers.filter(([its]) => its === name).map(([, value]) => value)
  const length = lengthIn(valuesOf("content-length"), temper)
  const codings = valuesOf("transfer-encoding")
  const isChunked = codings.some((coding) =>
    temper.isLoose ? /chunked/i.test(coding) : /(^|,)[ \t]*chunked$/i.test(coding),
  )
  if (isChunked && (temper.prefers === "chunks" || length === undefined)) {
    return chunksAt(bytes, at, temper)
  }
  const end = at + (length ?? 0)
  return end <= bytes.length
    ? { bytes: length ?? 0, end }
    : { bytes: bytes.length - at, end: undefined }
}

function lengthIn(values: readonly string[], { takesLength, isLoose }: Temper): number | undefined {
  const value = values.at(takesLength === "first" ? 0 : -1)
  if (value === undefined) return undefined
  return isLoose ? Number.parseInt(value, 10) || 0 : Number(value)
}

function chunksAt(bytes: string, at: number, temper: Temper) {
  let sum = 0
  for (let next = at; ; ) {
    const line = lineAt(bytes, next, temper)
    if (line === undefined) return { bytes: sum, end: undefined }
    const size = Number.parseInt(line.text, 16) || 0
    if (size === 0) return { bytes: sum, end: trailersEnd(bytes, line.end, temper) }
    if (line.end + size > bytes.length) return { bytes: sum, end: undefined }
    sum += size
    const rest = lineAt(bytes, line.end + size, temper)
    if (rest === undefined) return { bytes: sum, end: undefined }
    next = rest.end
  }
}

function trailersEnd(bytes: string, at: number, temper: Temper): number | undefined {
  for (let next = at; ; ) {
    const line = lineAt(bytes, next, temper)
    if (line === undefined) return undefined
    next = line.end
    if (line.text === "") return next
  }
}
