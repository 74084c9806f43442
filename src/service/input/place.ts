/**
 * Where an input is read: on the main thread, which is the quickest way to refuse it, or on the worker
 * that runs the call, under its deadline. Whatever the main thread reads, everybody waits for, so
 * it reads what is sure to take less than a few milliseconds: little, and by schemas of which no more
 * is asked than their own descriptions say. Those of which little input can ask for a lot never read
 * there.
 *
 * A description does not tell of code that is the service's own and hands on what it got (Zod's
 * `refine`); for that there is the operation's `validate`.
 */
import type { MultipartBody } from "../body.ts"
import type { Operation } from "../operation.ts"
import { describe, isSchema, type JsonSchema, makesOnlyData, type Schema } from "../schema.ts"
import type { ResolvedSettings } from "../settings.ts"
import { isQuickPattern } from "./pattern.ts"
import { resolve } from "./shapes.ts"

/** The most that the main thread reads of one input, in bytes. */
export const readHereBytesMax = 4096

/**
 * How many bytes of an operation's input the main thread may read; 0 when all of it, even none, is
 * to be read on a worker.
 */
export function hereBytesMax(operation: Operation): number {
  if (operation.thread === "main") return Number.POSITIVE_INFINITY
  const schemas = schemasOf(operation)
  if (operation.validate === "worker" && schemas.length > 0) return 0
  const ways = schemas.map((schema) => {
    // What makes things of its own may compute. It can't cross either, so it is read twice where it
    // is read here, which only `cost` is worth.
    if (operation.cost === undefined && !makesOnlyData(schema)) return Number.POSITIVE_INFINITY
    return waysOf(schema)
  })
  return Math.floor(readHereBytesMax / Math.max(1, ...ways))
}

/**
 * The largest body that an operation takes, in bytes. What the main thread parses and checks for one
 * that runs there, everybody waits for.
 */
export function bodyBytesMaxOf(
  { bodyBytesMax, thread, body }: Operation,
  settings: Pick<ResolvedSettings, "bodyBytesMax">,
): number {
  if (bodyBytesMax !== undefined) return bodyBytesMax
  const isBytes = typeof body === "object" && "kind" in body && body.kind === "bytes"
  const isReadHere = thread === "main" && !isBytes
  return isReadHere ? Math.min(settings.bodyBytesMax, readHereBytesMax) : settings.bodyBytesMax
}

/** Whether what the main thread makes of an input is the same when it is cloned to a worker. */
export function isClonedWell(operation: Operation): boolean {
  return schemasOf(operation).every(makesOnlyData)
}

function schemasOf({ params, query, headers, body }: Operation): readonly Schema[] {
  const ofBody = isSchema(body) ? body : (body as MultipartBody | undefined)?.fields
  return [params, query, headers, ofBody].filter((schema) => schema !== undefined)
}

/**
 * In how many ways one and the same part of an input may have to be tried, by the unions around it;
 * infinite where that grows with the input: by regular expressions that may not end soon, and by unions
 * in what contains itself.
 */
function waysOf(schema: Schema): number {
  const root = describe(schema, "input", "it")
  /** Those that have been looked at; 1 while they are being looked into. */
  const known = new Map<unknown, number>()
  const open = new Set<unknown>()
  let containsItself = false
  const look = (part: unknown): number => {
    if (typeof part !== "object" || part === null) return 1
    if (open.has(part)) containsItself = true
    const found = known.get(part)
    if (found !== undefined) return found
    known.set(part, 1)
    open.add(part)
    const ways = lookInto(part as JsonSchema)
    open.delete(part)
    known.set(part, ways)
    return ways
  }
  const lookInto = (part: JsonSchema): number => {
    if (!patternsOf(part).every(isQuickPattern)) return Number.POSITIVE_INFINITY
    let ways = 1
    for (const inner of partsOf(part)) ways = Math.max(ways, look(inner))
    if (typeof part.$ref === "string") ways = Math.max(ways, look(resolve(part.$ref, root)))
    for (const union of [part.anyOf, part.oneOf]) {
      if (!Array.isArray(union)) continue
      // A text, a number or null is told apart at a glance.
      const compound = Math.max(1, union.filter((one) => !isScalar(one)).length)
      for (const one of union) ways = Math.max(ways, compound * look(one))
    }
    return ways
  }
  const ways = look(root)
  return containsItself && ways > 1 ? Number.POSITIVE_INFINITY : ways
}

function patternsOf({ pattern, patternProperties }: JsonSchema): readonly string[] {
  const names = Object.keys((patternProperties ?? {}) as object)
  return typeof pattern === "string" ? [pattern, ...names] : names
}

/** What is in a schema that holds at the same time, or of other parts of the input. */
function partsOf(schema: JsonSchema): readonly unknown[] {
  const { items, additionalProperties, propertyNames, contains, not } = schema
  const { properties, patternProperties, prefixItems, allOf } = schema
  const many = [properties, patternProperties, prefixItems, allOf].flatMap((parts) =>
    Object.values((parts ?? {}) as object),
  )
  return [items, additionalProperties, propertyNames, contains, not, ...many]
}

function isScalar(schema: unknown): boolean {
  const { type, $ref, anyOf, oneOf, allOf } = (schema ?? {}) as JsonSchema
  if ([$ref, anyOf, oneOf, allOf].some((part) => part !== undefined)) return false
  return typeof type === "string" && type !== "object" && type !== "array"
}
