/** Which module knows which: read off the source, types included, with no compiler. */
import { posix } from "node:path"

export interface Import {
  /** As it is written. */
  readonly specifier: string
  /** Gone at run time: `import type …`. */
  readonly typeOnly: boolean
}

const patterns = [
  // import x from "…", import type { X } from "…", export { x } from "…", import "…"
  /^\s*(?:import|export)\s+(?:[^"';()]*?\sfrom\s+)?["']([^"'\n]+)["']/gm,
  // import("…"), import.meta.resolve("…")
  /\b(?:import|resolve)\(\s*["']([^"'\n]+)["']/g,
  // new URL("…", import.meta.url): how a worker's entry is named
  /new URL\(\s*["']([^"'\n]+)["']\s*,\s*import\.meta\.url/g,
]

export function importsOf(source: string): Import[] {
  return patterns.flatMap((pattern) =>
    Array.from(source.matchAll(pattern), ([statement, specifier]) => ({
      specifier: specifier ?? "",
      typeOnly: /^\s*(?:import|export)\s+type\s/.test(statement),
    })),
  )
}

/** The module of ours that an import of `file` means, from the root; `undefined` for all else. */
export function target(file: string, { specifier }: Import): string | undefined {
  if (!specifier.startsWith(".") || !specifier.endsWith(".ts")) return undefined
  return posix.join(posix.dirname(file), specifier)
}

/** `@scope/name/sub` and `name/sub` without the sub; `undefined` for a file or a module of Node's. */
export function packageOf({ specifier }: Import): string | undefined {
  if (specifier.startsWith(".") || specifier.startsWith("node:")) return undefined
  const [first, second] = specifier.split("/")
  return first?.startsWith("@") ? `${first}/${second}` : first
}

/** A way round, as file names, when modules import each other in a circle at run time. */
export function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const walk = (file: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const next of graph.get(file) ?? []) {
      const cycle = walk(next, [...path, file])
      if (cycle !== undefined) return cycle
    }
    done.add(file)
    return undefined
  }
  for (const file of graph.keys()) {
    const cycle = walk(file, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}
