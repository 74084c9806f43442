/**
 * Schemas as an OpenAPI document can hold them. A schema library writes references relative to the
 * schema's own root (`#`, `#/$defs/x`); in a document they would point at the document's root. So a
 * schema that refers to itself, and all of its definitions, move to the document's components.
 *
 * A definition that has a name (Zod's `.meta({ id })`, a key of `$defs`) is one component under that
 * name, however many operations have it, because a generated client makes a type of each. Which
 * definitions are the same is only known when all are there, so until {@link SchemaComponents.settle}
 * each is called after the schema that it came with.
 */
import { unescaped } from "../input/shapes.ts"
import type { JsonSchema } from "../schema.ts"

/** Whether a schema says what may be sent to an operation, or what comes out of it. */
export type Direction = "input" | "output"

interface Component {
  /** What it is to be called, unless something else is. */
  readonly wanted: string
  readonly direction: Direction
  readonly schema: JsonSchema
}

/** Collects the components of one document. */
export class SchemaComponents {
  /** By the name that it has for the time being. */
  readonly #components = new Map<string, Component>()

  /** All that there are, under the names that references have for the time being. */
  get schemas(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries(
      Array.from(this.#components, ([name, { schema }]) => [name, schema] as const),
    )
  }

  /**
   * `schema`, fit to stand anywhere in the document.
   * @param name what it or its definitions without a name are called among the components
   */
  place(schema: JsonSchema, name: string, direction: Direction): JsonSchema {
    const definitions = definitionsOf(schema)
    let isReferredTo = false
    const rename = (reference: string): string => {
      const [, key, rest] = /^#\/(?:\$defs|definitions)\/([^/]+)(.*)$/.exec(reference) ?? []
      if (key !== undefined) return componentOf(definitionName(name, unescaped(key))) + rest
      if (!reference.startsWith("#")) return reference
      isReferredTo = true
      return componentOf(name) + reference.slice(1)
    }
    for (const [key, definition] of Object.entries(definitions)) {
      const called = definitionName(name, key)
      const wanted = isName(key) ? fitName(key) : called
      this.#components.set(called, {
        wanted,
        direction,
        schema: asComponent(fit(definition, rename) as JsonSchema),
      })
    }
    const { $defs: _, definitions: __, ...own } = schema
    const placed = fit(own, rename) as JsonSchema
    return isReferredTo ? this.add(placed, name, direction) : placed
  }

  /** A reference to `schema`, which becomes a component of its own and is fit for it already. */
  add(schema: JsonSchema, name: string, direction: Direction): { readonly $ref: string } {
    this.#components.set(name, { wanted: name, direction, schema: asComponent(schema) })
    return { $ref: componentOf(name) }
  }

  /**
   * Gives the components their names: the same definition of several schemas is one, and what is
   * something else has a name of its own.
   * @param taken names that are none of theirs
   * @returns the components, and what makes their references of those that were given so far.
   */
  settle(taken: Iterable<string>): {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly refer: <Part>(part: Part) => Part
  } {
    const kinds = kindsOf(this.#components)
    const used = new Set(taken)
    const names = new Map<string, string>()
    // What takes in has the name as it is, where something else of the same name comes out.
    for (const { wanted, direction, members } of kinds.toSorted(inputsFirst)) {
      const isFirst = !used.has(wanted)
      const name = isFirst
        ? wanted
        : free(direction === "output" ? `${wanted}Output` : wanted, used)
      used.add(name)
      for (const member of members) names.set(member, name)
    }
    const refer = <Part>(part: Part): Part => renamed(part, (called) => names.get(called)) as Part
    const schemas = kinds.map(({ members: [member = ""], schema }) => {
      return [names.get(member) as string, refer(schema)] as const
    })
    return { schemas: Object.fromEntries(schemas), refer }
  }
}

/** Components that are the same but for where they are from. */
interface Kind extends Component {
  /** Their names for the time being. */
  readonly members: readonly string[]
}

function kindsOf(components: ReadonlyMap<string, Component>): readonly Kind[] {
  let kinds: readonly Kind[] = []
  let kindOf = (_called: string): number => 0
  // Two that refer to different ones are different, and so are those that refer to these.
  for (let count = -1; count !== kinds.length; ) {
    count = kinds.length
    const byText = Map.groupBy(components, ([, { wanted, schema }]) => {
      const loose = renamed(schema, (called) =>
        components.has(called) ? `${kindOf(called)}` : undefined,
      )
      return JSON.stringify([wanted, loose], openly)
    })
    kinds = Array.from(byText.values(), (entries) => {
      const [, first] = entries.find(([, { direction }]) => direction === "input") ?? entries[0]!
      return { ...first, members: entries.map(([called]) => called) }
    })
    const numbers = new Map(
      kinds.flatMap(({ members }, at) => members.map((called) => [called, at] as const)),
    )
    kindOf = (called) => numbers.get(called) as number
  }
  return kinds
}

/**
 * Without what of an object's other properties is said: nothing comes out of an object that its schema
 * does not name, which Zod says, and of what goes in it says that more is ignored.
 */
function openly(key: string, value: unknown): unknown {
  return key === "additionalProperties" && value === false ? undefined : value
}

function inputsFirst(one: Kind, other: Kind): number {
  return Number(one.direction === "output") - Number(other.direction === "output")
}

/** `name`, or with the least number behind it that makes it nobody's. */
function free(name: string, used: ReadonlySet<string>): string {
  let found = name
  for (let n = 2; used.has(found); n++) found = `${name}${n}`
  return found
}

function componentOf(name: string): string {
  return `#/components/schemas/${name}`
}

function definitionName(name: string, key: string): string {
  return `${name}_${fitName(key)}`
}

/** What OpenAPI lets a component be called. */
function fitName(key: string): string {
  return key.replaceAll(/[^A-Za-z0-9._-]/g, "_")
}

/** Libraries number what nobody has named (`0`, `__schema0`), anew in each schema. */
function isName(key: string): boolean {
  return /^[A-Za-z]/.test(key)
}

function definitionsOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return {
    ...(schema.definitions as Readonly<Record<string, JsonSchema>> | undefined),
    ...(schema.$defs as Readonly<Record<string, JsonSchema>> | undefined),
  }
}

/** Generators of clients leave out a component that is a mere reference, and whatever refers to it. */
function asComponent({ $ref, ...rest }: JsonSchema): JsonSchema {
  return $ref === undefined ? rest : { ...rest, allOf: [{ $ref }, ...((rest.allOf as []) ?? [])] }
}

/** Where a schema holds data rather than schemas, `$ref` is only a word. */
const dataKeywords = new Set(["const", "enum", "default", "example", "examples"])
/** What holds schemas by names of any kind, `default` and `enum` among them. */
const mapKeywords = new Set(["properties", "patternProperties", "dependentSchemas"])

/** The same with its references renamed, and in words that generators of clients know. */
function fit(node: unknown, rename: (reference: string) => string): unknown {
  if (Array.isArray(node)) return node.map((item) => fit(item, rename))
  if (typeof node !== "object" || node === null) return node
  return mapped(withoutFalseItems(node as JsonSchema), (value, key) => {
    if (key === "$ref" && typeof value === "string") return rename(value)
    if (mapKeywords.has(key) && typeof value === "object" && value !== null) {
      return mapped(value, (part) => fit(part, rename))
    }
    return dataKeywords.has(key) ? value : fit(value, rename)
  })
}

/** The same with the components that it refers to called otherwise, where `nameOf` knows them. */
function renamed(node: unknown, nameOf: (called: string) => string | undefined): unknown {
  return fit(node, (reference) => {
    const [, called = "", rest] = /^#\/components\/schemas\/([^/]+)(.*)$/.exec(reference) ?? []
    const name = nameOf(called)
    return name === undefined ? reference : componentOf(name) + rest
  })
}

function mapped(of: object, make: (value: unknown, key: string) => unknown): JsonSchema {
  return Object.fromEntries(Object.entries(of).map(([key, value]) => [key, make(value, key)]))
}

/** A tuple that ends is one of so many items: what can't have a schema that is `false` can have that. */
function withoutFalseItems(schema: JsonSchema): JsonSchema {
  const { items, prefixItems, ...rest } = schema
  if (items !== false || !Array.isArray(prefixItems)) return schema
  const max = typeof rest.maxItems === "number" ? rest.maxItems : Number.POSITIVE_INFINITY
  return { ...rest, prefixItems, maxItems: Math.min(max, prefixItems.length) }
}
