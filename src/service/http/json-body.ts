/**
 * JSON out of a request body. Refused with 400: what is not UTF-8, what does not parse, keys that
 * would reach for a prototype, and nesting so deep that code which follows it, a schema's or a
 * structured clone's, would run out of stack.
 */
import { isUtf8 } from "node:buffer"
import type { FastifyInstance } from "fastify"
import { problem } from "../problem.ts"

export type JsonParser = (body: Buffer) => unknown

/** As in Rust's serde: far more than data has, far less than a stack takes. */
export const nestingMax = 128

/** A parser that throws problems and takes an empty body for one that was left out: `undefined`. */
export function jsonParser(app: FastifyInstance): JsonParser {
  const parseSafely = app.getDefaultJsonParser("error", "error")
  return (body) => {
    if (body.length === 0) return undefined
    if (!isUtf8(body)) throw problem(400, "The body is not JSON: it is not UTF-8.")
    if (isNestedTooDeep(body)) {
      throw problem(400, `The body is nested too deep: at most ${nestingMax} levels are accepted.`)
    }
    const text = body.toString()
    let parsed: unknown
    let failed = false
    parseSafely(undefined as never, text, (error, value) => {
      failed = error !== null
      parsed = value
    })
    if (failed) throw problem(400, whyRefused(text))
    return parsed
  }
}

/** Fastify's parser does not say; this is off the fast path. */
function whyRefused(text: string): string {
  try {
    JSON.parse(text)
    return "The body has a key that is not accepted: __proto__ or constructor.prototype."
  } catch (error) {
    return `The body is not JSON: ${(error as Error).message}.`
  }
}

const [quote, backslash, openBracket, openBrace, closeBracket, closeBrace] = Buffer.from('"\\[{]}')

function isNestedTooDeep(body: Buffer): boolean {
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
