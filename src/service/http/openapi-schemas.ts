/**
 * Schemas as an OpenAPI document can hold them. A schema library writes references relative to the
 * schema's own root (`#`, `#/$defs/x`); in a document they would point at the document's root. So a
 * schema that refers to itself, and all of its definitions, move to the document's components.
 */
import type { JsonSchema } from "../schema.ts"

/** Collects the components of one document. */
export class SchemaComponents {
  readonly schemas: Record<string, JsonSchema> = {}

  /**
   * `schema`, fit to stand anywhere in the document.
   * @param name what it or its definitions are called among the components
   */
  place(schema: JsonSchema, name: string): JsonSchema {
    const definitions = definitionsOf(schema)
    const rename = (reference: string): string => {
      if (reference === "#") return componentOf(name)
      const [, key, rest] = /^#\/(?:\$defs|definitions)\/([^/]+)(.*)$/.exec(reference) ?? []
      if (key === undefined) return reference
      return componentOf(definitionName(name, decodeURIComponent(key))) + rest
    }
    for (const [key, definition] of Object.entries(definitions)) {
      this.schemas[definitionName(name, key)] = rewrite(definition, rename) as JsonSchema
    }
    const { $defs: _, definitions: __, ...own } = schema
    const placed = rewrite(own, rename) as JsonSchema
    if (!refersTo(placed, componentOf(name)) && !definesReferenceTo(definitions, "#")) return placed
    this.schemas[name] = placed
    return { $ref: componentOf(name) }
  }

  /** A reference to `schema`, which becomes a component of its own and is fit for it already. */
  add(schema: JsonSchema, name: string): { readonly $ref: string } {
    this.schemas[name] = schema
    return { $ref: componentOf(name) }
  }
}

function componentOf(name: string): string {
  return `#/components/schemas/${name}`
}

function definitionName(name: string, key: string): string {
  return `${name}_${key.replaceAll(/[^A-Za-z0-9._-]/g, "_")}`
}

function definitionsOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return {
    ...(schema.definitions as Readonly<Record<string, JsonSchema>> | undefined),
    ...(schema.$defs as Readonly<Record<string, JsonSchema>> | undefined),
  }
}

/** Where a schema holds data rather than schemas, `$ref` is only a word. */
const dataKeywords = new Set(["const", "enum", "default", "example", "examples"])

function rewrite(node: unknown, rename: (reference: string) => string): unknown {
  if (Array.isArray(node)) return node.map((item) => rewrite(item, rename))
  if (typeof node !== "object" || node === null) return node
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => {
      if (key === "$ref" && typeof value === "string") return [key, rename(value)]
      return [key, dataKeywords.has(key) ? value : rewrite(value, rename)]
    }),
  )
}

function refersTo(node: unknown, reference: string): boolean {
  let found = false
  rewrite(node, (other) => {
    found ||= other === reference
    return other
  })
  return found
}

function definesReferenceTo(definitions: object, reference: string): boolean {
  return refersTo(Object.values(definitions), reference)
}
