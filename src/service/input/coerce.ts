/**
 * Turns the strings of a query, a path, a header or a form into what their schema wants. What that
 * is, is read off the schema's JSON Schema once, when the server starts.
 *
 * A string becomes a number where it is one as JSON writes them, so `5`, `-0.5` and `1e3`, but not
 * an empty string, `0x10`, `05`, ` 5` or `Infinity`; a boolean where it is `true` or `false`; and null
 * where it is `null`. Everything else stays the string that it is, for the schema to refuse it:
 * guessing is not for us. A number is read as in a JSON body, with the precision of a double.
 *
 * Of a union each branch reads the strings as they came, by its own types. Those whose reading it
 * would take come first; where a string will do, it stays one. JSON Schema does not know all that a
 * schema asks, so the schema itself has the last word: it is shown one reading after another until
 * it takes one.
 */
import type { JsonSchema } from "../schema.ts"
import { alternatives, regExp, type Shape, shapesOf, valuesOf } from "./shapes.ts"

export type Fields = Readonly<Record<string, unknown>>

/** A field that came as JSON and says so. What is in it is not coerced. */
export class JsonField {
  readonly value: unknown

  constructor(value: unknown) {
    this.value = value
  }
}

/** Reads a text as JSON; `undefined` when it is none that is accepted. */
export type ReadJson = (text: string) => unknown

/** Where a schema's strings come from. */
interface Source {
  /** What references in the schema point into. */
  readonly root: JsonSchema
  /** Of a form: an object or a list may come as JSON, and an empty text is one that was not given. */
  readonly readJson: ReadJson | undefined
}

/** Ways to read the same fields, the likeliest first; never none. */
export type Coercer = (fields: Fields) => Iterable<Fields>

/** How many readings the schema is shown of one input. */
const readingsMax = 16

/** What a string, or several under one name, may mean. */
interface Reading {
  readonly value: unknown
  /** Whether the JSON Schema would take it. */
  readonly fits: boolean
}
/** Readings that fit, those of strings first; if none does, one that comes closest. */
type Reader = (raw: unknown) => readonly Reading[]

/**
 * A function that coerces the properties of an object as `schema` says.
 * @throws {RangeError} when the schema is put together in too many ways.
 */
export function coercer(schema: JsonSchema): Coercer {
  return coercerOf({ root: schema, readJson: undefined })
}

/**
 * The same for a form. An object or a list may be JSON in it, by its type or because the schema wants
 * one; and a text that is empty is as good as not there, where it need not be.
 * @throws {RangeError} like {@link coercer}.
 */
export function formCoercer(schema: JsonSchema, readJson: ReadJson): Coercer {
  return coercerOf({ root: schema, readJson })
}

function coercerOf(source: Source): Coercer {
  const readers = shapesOf(source.root).map((shape) => shapeReader(shape, source))
  const [only] = readers
  if (readers.length === 1 && only !== undefined) {
    return only.changes ? (fields) => combinations(only.read(fields)) : (fields) => [fields]
  }
  return function* coerce(fields) {
    const read = readers.map((reader) => reader.read(fields)).sort((a, b) => a.misfit - b.misfit)
    let left = readingsMax
    for (const shape of read) {
      for (const reading of combinations(shape)) {
        if (left-- === 0) return
        yield reading
      }
    }
  }
}

/** Whether a value of this schema can be written as a list, and not as one string. */
export function isList(schema: JsonSchema, root: JsonSchema): boolean {
  const all = alternatives(schema, root).map((parts) => ({ parts, kinds: kindsOf(parts) }))
  const takesText = ({ parts, kinds }: { parts: readonly JsonSchema[]; kinds: Kinds }): boolean =>
    kinds.has("string") && parts.every((part) => valuesOf(part) === undefined)
  return (
    all.some(({ kinds }) => kinds.size < allKinds.length && kinds.has("array")) &&
    !all.some(takesText)
  )
}

/** Fields as one shape reads them: of each, what it may mean. */
interface ShapeReading {
  readonly fields: Fields
  readonly readings: readonly (readonly [name: string, readings: readonly Reading[]])[]
  /** How much of it does not fit, 0 if all does. */
  readonly misfit: number
}

interface ShapeReader {
  /** Whether it makes anything else of fields than they are. */
  readonly changes: boolean
  read(fields: Fields): ShapeReading
}

/** A value out of a list that is not in it tells that another shape was meant. */
const wrongValue = 1000

function shapeReader(shape: Shape, source: Source): ShapeReader {
  const { required, others } = shape
  const named = new Map(
    Array.from(shape.properties, ([name, schema]) => [name, propertyReader(schema, source)]),
  )
  const patterns = shape.patterns.map(([name, schema]) => ({
    name,
    property: propertyReader(schema, source),
  }))
  const rest = others === false ? undefined : propertyReader(others, source)
  const nameReader = shape.names && reader(shape.names, source)
  const readerOf = (name: string): PropertyReader | undefined =>
    named.get(name) ?? patterns.find((pattern) => pattern.name.test(name))?.property ?? rest
  const all = [...named.values(), ...patterns.map(({ property }) => property), rest]
  const isForm = source.readJson !== undefined
  return {
    changes: isForm || all.some((property) => property?.changes),
    read(received) {
      const fields = isForm ? withoutEmpty(received, required) : received
      let misfit = 0
      const readings: [string, readonly Reading[]][] = []
      for (const [name, raw] of Object.entries(fields)) {
        if (raw === undefined) continue
        const property = readerOf(name)
        if (property === undefined || nameReader?.(name)[0]?.fits === false) misfit += 1
        const found = property?.read(raw) ?? [{ value: plain(raw), fits: true }]
        if (found[0]?.fits === false) misfit += property?.isChoice ? wrongValue : 1
        readings.push([name, found])
      }
      for (const name of required) if (fields[name] === undefined) misfit += 1
      return { fields, readings, misfit }
    },
  }
}

/** A browser sends every field of a form, and of those that nobody filled in an empty text. */
function withoutEmpty(fields: Fields, required: ReadonlySet<string>): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter(([name, value]) => value !== "" || required.has(name)),
  )
}

interface PropertyReader {
  readonly read: Reader
  readonly changes: boolean
  /** Whether it is one of values that are listed. */
  readonly isChoice: boolean
}

function propertyReader(schema: JsonSchema, source: Source): PropertyReader {
  const all = alternatives(schema, source.root)
  return {
    read: reader(schema, source),
    changes: all.some((parts) => {
      const kinds = kindsOf(parts)
      return kinds.size < allKinds.length && !(kinds.size === 1 && kinds.has("string"))
    }),
    isChoice: all.every((parts) => parts.some((part) => valuesOf(part) !== undefined)),
  }
}

/** All that the fields may mean together; that in which each means its likeliest comes first. */
function combinations({ fields, readings }: ShapeReading): Iterable<Fields> {
  const first: Record<string, unknown> = { ...fields }
  for (const [name, [reading]] of readings) if (reading !== undefined) first[name] = reading.value
  const unsure = readings.filter(([, all]) => all.length > 1)
  return unsure.length === 0 ? [first] : combined(first, unsure)
}

function* combined(first: Fields, unsure: ShapeReading["readings"]): Iterable<Fields> {
  const turns = unsure.map(() => 0)
  for (let count = 0; count < readingsMax; count++) {
    const fields: Record<string, unknown> = { ...first }
    for (const [at, [name, all]] of unsure.entries()) fields[name] = all[turns[at] as number]?.value
    yield fields
    // Like an odometer.
    let at = 0
    while (at < turns.length) {
      turns[at] = (turns[at] as number) + 1
      if ((turns[at] as number) < (unsure[at]?.[1].length ?? 0)) break
      turns[at] = 0
      at += 1
    }
    if (at === turns.length) return
  }
}

const allKinds = ["string", "number", "boolean", "null", "array", "object"] as const
type Kind = (typeof allKinds)[number]
type Kinds = ReadonlySet<Kind>

/** Arrays are looked into one deep: strings can't say more, and a schema may refer to itself. */
function reader(schema: JsonSchema, source: Source, isItem = false): Reader {
  const branches = alternatives(schema, source.root).map((parts) =>
    branchReader(parts, source, isItem),
  )
  const [only] = branches
  if (branches.length === 1 && only !== undefined) return (raw) => chosen(raw, only(raw))
  return (raw) =>
    chosen(
      raw,
      branches.flatMap((branch) => branch(raw)),
    )
}

const order = (value: unknown): number => (typeof value === "string" ? 0 : 1)

function chosen(raw: unknown, readings: readonly Reading[]): readonly Reading[] {
  const fits = readings.filter((reading) => reading.fits)
  const some = fits.length > 0 ? fits : readings
  if (some.length === 0) return [{ value: plain(raw), fits: false }]
  if (some.length === 1) return some
  const sorted = some.toSorted((one, other) => order(one.value) - order(other.value))
  if (fits.length === 0) return sorted.slice(0, 1)
  return sorted.filter(({ value }, at) => sorted.findIndex((one) => one.value === value) === at)
}

/** What the raw value may mean where all of `parts` hold. */
function branchReader(parts: readonly JsonSchema[], source: Source, isItem: boolean): Reader {
  const kinds = kindsOf(parts)
  // It says nothing of types, so nothing is made of a string.
  if (kinds.size === allKinds.length) return (raw) => [{ value: plain(raw), fits: true }]
  const accepts = parts.map(acceptor)
  const readList = kinds.has("array") && !isItem ? listReader(parts, source) : undefined
  const judged = (value: unknown): Reading => ({
    value,
    fits: accepts.every((accept) => accept(value)),
  })
  const isChoice = parts.some((part) => valuesOf(part) !== undefined)
  const mayBeJson = kinds.has("object") || kinds.has("array")
  return (raw) => {
    const readings: Reading[] = []
    if (typeof raw === "string") {
      if (kinds.has("string")) {
        const reading = judged(raw)
        if (reading.fits || !isChoice) readings.push(reading)
      }
      const number = kinds.has("number") ? toNumber(raw) : undefined
      if (number !== undefined) readings.push(judged(number))
      if (kinds.has("boolean") && (raw === "true" || raw === "false")) {
        readings.push(judged(raw === "true"))
      }
      if (kinds.has("null") && raw === "null") readings.push(judged(null))
      const json = mayBeJson && /^\s*[[{]/.test(raw) ? source.readJson?.(raw) : undefined
      if (json !== undefined && kinds.has(kindOf(json))) readings.push(judged(json))
    } else if (raw instanceof JsonField) {
      if (kinds.has(kindOf(raw.value))) return [judged(raw.value)]
    }
    if (readList !== undefined) readings.push(readList(Array.isArray(raw) ? raw : [raw]))
    return readings
  }
}

function listReader(parts: readonly JsonSchema[], source: Source): (raw: unknown[]) => Reading {
  const readers = parts
    .filter(({ prefixItems, items }) => prefixItems !== undefined || items !== undefined)
    .map(({ prefixItems, items }) => ({
      first: ((prefixItems ?? []) as JsonSchema[]).map((item) => reader(item, source, true)),
      rest: items === undefined ? undefined : reader(items as JsonSchema, source, true),
    }))
  const min = Math.max(0, ...parts.map(({ minItems }) => Number(minItems ?? 0)))
  const max = Math.min(...parts.map(({ maxItems }) => Number(maxItems ?? Number.POSITIVE_INFINITY)))
  return (raw) => {
    let fits = raw.length >= min && raw.length <= max
    const value = raw.map((item, at) => {
      // Of an intersection of lists, the first that makes something of it.
      for (const { first, rest } of readers) {
        const [reading] = (first[at] ?? rest)?.(item) ?? []
        if (reading === undefined) continue
        fits &&= reading.fits
        return reading.value
      }
      return plain(item)
    })
    return { value, fits }
  }
}

/** Without the word that it came as JSON. */
function plain(raw: unknown): unknown {
  if (Array.isArray(raw)) return raw.map(plain)
  return raw instanceof JsonField ? raw.value : raw
}

const jsonNumber = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

function toNumber(text: string): number | undefined {
  if (!jsonNumber.test(text)) return undefined
  const number = Number(text)
  return Number.isFinite(number) ? number : undefined
}

function kindsOf(parts: readonly JsonSchema[]): Kinds {
  let kinds: readonly Kind[] = allKinds
  for (const part of parts) {
    const own = ownKinds(part)
    if (own !== undefined) kinds = kinds.filter((kind) => own.includes(kind))
  }
  return new Set(kinds)
}

function ownKinds(part: JsonSchema): readonly unknown[] | undefined {
  const values = valuesOf(part)
  if (values !== undefined) return values.map(kindOf)
  if (part.type === undefined) return undefined
  const types: readonly unknown[] = Array.isArray(part.type) ? part.type : [part.type]
  return types.map((type) => (type === "integer" ? "number" : type))
}

function kindOf(value: unknown): Kind {
  if (value === null) return "null"
  if (Array.isArray(value)) return "array"
  return typeof value as Kind
}

/** Whether a string, number, boolean or null is what a schema asks, as far as it tells of that. */
function acceptor(part: JsonSchema): (value: unknown) => boolean {
  const values = valuesOf(part)
  const isInteger = part.type === "integer"
  const pattern = typeof part.pattern === "string" ? regExp(part.pattern) : undefined
  const bound = (keyword: string, otherwise: number): number => Number(part[keyword] ?? otherwise)
  const above = bound("exclusiveMinimum", Number.NEGATIVE_INFINITY)
  const below = bound("exclusiveMaximum", Number.POSITIVE_INFINITY)
  const min = bound("minimum", Number.NEGATIVE_INFINITY)
  const max = bound("maximum", Number.POSITIVE_INFINITY)
  const lengthMin = bound("minLength", 0)
  const lengthMax = bound("maxLength", Number.POSITIVE_INFINITY)
  return (value) => {
    if (values !== undefined && !values.includes(value)) return false
    if (typeof value === "number") {
      if (isInteger && !Number.isInteger(value)) return false
      return value >= min && value <= max && value > above && value < below
    }
    if (typeof value !== "string") return true
    if (value.length < lengthMin || value.length > lengthMax) return false
    return pattern === undefined || pattern.test(value)
  }
}
