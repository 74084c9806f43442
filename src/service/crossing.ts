/**
 * How a checked input gets to the worker's thread. It is cloned (by the structured clone algorithm),
 * and a clone of an instance is another thing than what the schema made: a URL arrives as `{}`, a
 * Buffer as a Uint8Array, a function not at all. So where a schema has made something like that, its
 * part of the input crosses as it was received, and its schema is run once more on the worker.
 *
 * Whether a schema makes anything but data is read off its descriptions where they tell, once; else
 * each value is looked through, but for what is still as it was received.
 */
import type { MultipartBody } from "./body.ts"
import type { Operation, RawInput } from "./operation.ts"
import { check, describe, isSchema, isTyped, type JsonSchema, type Schema } from "./schema.ts"

/** A part of the input that has a schema. */
export type InputPart = keyof RawInput

/** An input of which not every part can be cloned. */
export interface Crossing {
  /** What crosses: as it was received in those parts, as it was checked in the others. */
  readonly input: RawInput
  /** The parts whose schemas are to be run on the other side. Not empty. */
  readonly remake: readonly InputPart[]
}

/** Whether a clone of a checked value is the same, given what the value was checked from. */
export type CrossingTest = (value: unknown, received: unknown) => boolean

/** Decides for values of one schema. */
export function crossingTest(schema: Schema): CrossingTest {
  return makesOnlyData(schema) ? () => true : isData
}

/**
 * The input as `run` is to get it, of one that crossed in part as it was received.
 * @throws {Error} when a schema does not take again what it took on the main thread.
 */
export async function remakeInput(
  operation: Operation,
  input: RawInput,
  remake: readonly InputPart[],
): Promise<RawInput> {
  const made: Record<InputPart, unknown> = { ...input }
  for (const part of remake) {
    if (part === "body") {
      const { body } = operation
      if (isSchema(body)) made.body = await again(body, input.body, part)
      else {
        const form = input.body as { readonly fields: unknown }
        const { fields } = body as MultipartBody
        made.body = { ...form, fields: await again(fields as Schema, form.fields, part) }
      }
    } else {
      const schema = part === "path" ? operation.params : operation[part]
      made[part] = await again(schema as Schema, input[part], part)
    }
  }
  return made
}

async function again(schema: Schema, value: unknown, part: InputPart): Promise<unknown> {
  const checked = await check(schema, value, part)
  if (checked.ok) return checked.value
  const [first] = checked.issues.first
  throw new Error(
    `The ${part} was accepted on the main thread, and not by the same schema on the worker, where it is run again because what it makes can't be cloned (${first?.path.join(".")}: ${first?.message}). Let the schema depend on nothing but its input.`,
  )
}

/** Deeper than JSON is accepted; what is, a schema has made. */
const depthMax = 200

/**
 * Whether a value consists of nothing but what a clone is equal to.
 * What `received` has in the same place needs no looking at.
 */
function isData(value: unknown, received: unknown): boolean {
  return isClonable(value, received, new Set(), 0)
}

function isClonable(value: unknown, received: unknown, seen: Set<unknown>, depth: number): boolean {
  if (typeof value === "function" || typeof value === "symbol") return false
  if (typeof value !== "object" || value === null || value === received) return true
  if (seen.has(value)) return true
  if (depth > depthMax) return false
  seen.add(value)
  const every = (values: Iterable<unknown>): boolean => {
    for (const one of values) if (!isClonable(one, undefined, seen, depth + 1)) return false
    return true
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Array.prototype || prototype === Object.prototype || prototype === null) {
    if (Object.getOwnPropertySymbols(value).length > 0) return false
    const fields = value as Readonly<Record<string, unknown>>
    const before = (received ?? {}) as Readonly<Record<string, unknown>>
    for (const name of Object.keys(fields)) {
      if (!isClonable(fields[name], before[name], seen, depth + 1)) return false
    }
    return true
  }
  if (prototype === Map.prototype) {
    const map = value as ReadonlyMap<unknown, unknown>
    return every(map.keys()) && every(map.values())
  }
  if (prototype === Set.prototype) return every(value as Set<unknown>)
  return plainPrototypes.has(prototype)
}

/** Of instances that are the same when cloned. A Buffer is not among them, nor is an Error. */
const plainPrototypes: ReadonlySet<unknown> = new Set(
  [
    Date,
    RegExp,
    ArrayBuffer,
    DataView,
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float16Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ].map(({ prototype }) => prototype),
)

/**
 * Whether a schema hands on what JSON has, by what it says of itself: the same going in and coming out,
 * with a type for everything. One that can't say what comes out may make anything.
 */
function makesOnlyData(schema: Schema): boolean {
  let input: JsonSchema
  let output: JsonSchema
  try {
    input = describe(schema, "input", "it")
    output = describe(schema, "output", "it")
  } catch {
    return false
  }
  const text = (description: JsonSchema): string =>
    JSON.stringify(description, (key, value) => (isUnsaid(key, value) ? undefined : value))
  return text(input) === text(output) && isTyped(output, true)
}

/** What is said differently of what goes in and what comes out though nothing new is made. */
function isUnsaid(keyword: string, value: unknown): boolean {
  if (keyword === "required" || keyword === "default")
    return Array.isArray(value) || keyword === "default"
  return keyword === "additionalProperties" && value === false
}
