/**
 * JSON out of a request, on whichever thread reads it. Refused with 400: what is not UTF-8, what does
 * not parse, keys that would reach for a prototype, and nesting so deep that code which follows it, a
 * schema's or a structured clone's, would run out of stack.
 */
import { isUtf8 } from "node:buffer"
import { problem } from "../problem.ts"

/** As in Rust's serde: far more than data has, far less than a stack takes. */
export const nestingMax = 128

/**
 * Parses JSON; an empty text is one that was left out: `undefined`.
 * @throws {Problem} 400, saying why it is refused.
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined
  if (!isUtf8(bytes)) throw problem(400, "The body is not JSON: it is not UTF-8.")
  if (isNestedTooDeep(bytes)) {
    throw problem(400, `The body is nested too deep: at most ${nestingMax} levels are accepted.`)
  }
  const text = withoutMark(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString())
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw problem(400, `The body is not JSON: ${(error as Error).message}.`)
  }
  if (mayReach.test(text) && reachesForPrototype(parsed)) {
    throw problem(
      400,
      "The body has a key that is not accepted: __proto__ or constructor.prototype.",
    )
  }
  return parsed
}

/** Some programs begin a text with a byte order mark, which JSON does not have. */
function withoutMark(text: string): string {
  return text.startsWith("\uFEFF") ? text.slice(1) : text
}

/** Any character of a key may be written as an escape. */
const mayReach = /__proto__|constructor|\\u/

function reachesForPrototype(value: unknown): boolean {
  const left = [value]
  while (left.length > 0) {
    const next = left.pop()
    if (typeof next !== "object" || next === null) continue
    if (Object.hasOwn(next, "__proto__")) return true
    const made: unknown = Object.hasOwn(next, "constructor") ? next.constructor : undefined
    if (typeof made === "object" && made !== null && Object.hasOwn(made, "prototype")) return true
    for (const inner of Object.values(next)) left.push(inner)
  }
  return false
}

const [quote, backslash, openBracket, openBrace, closeBracket, closeBrace] = Buffer.from('"\\[{]}')

function isNestedTooDeep(body: Uint8Array): boolean {
  // What is opened has to be closed.
  if (body.length <= 2 * nestingMax) return false
  let depth = 0
  let inString = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    if (inString) {
      if (byte === backslash) at++
      else if (byte === quote) inString = false
    } else if (byte === quote) {
      inString = true
    } else if (byte === openBracket || byte === openBrace) {
      depth++
      if (depth > nestingMax) return true
    } else if (byte === closeBracket || byte === closeBrace) {
      depth--
    }
  }
  return false
}
