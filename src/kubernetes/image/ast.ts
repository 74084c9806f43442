/** Code as a tree. */
import { type Node, parse } from "acorn"

/** A node with what it has, which depends on its type. */
export type Ast = Node & { readonly [field: string]: unknown }

/** Undefined when it can't be read: it is no code, or too deep for what reads it. */
export function parsed(code: string): Ast | undefined {
  // CommonJS may say what a module may not.
  for (const sourceType of ["module", "script"] as const) {
    try {
      const how = { ecmaVersion: "latest", allowReturnOutsideFunction: true, sourceType } as const
      return parse(code, how) as Node as Ast
    } catch {
      // The next one may do.
    }
  }
  return undefined
}

/** What lies directly below a node, but for what is only a name. */
export function childrenOf(node: Ast): readonly Ast[] {
  return Object.entries(node).flatMap(([field, value]) => {
    // Names of members and of keys are no variables.
    if (node.computed !== true && (field === "property" || field === "key")) return []
    return (Array.isArray(value) ? value : [value]).filter(isNode)
  })
}

function isNode(value: unknown): value is Ast {
  return typeof value === "object" && value !== null && "type" in value && "start" in value
}
