/** Which methods a path answers: for 405, whose `Allow` has to name them, and to tell it from 404. */

interface Known {
  readonly pattern: RegExp
  readonly methods: Set<string>
}

export class KnownPaths {
  readonly #byPath = new Map<string, Known>()

  /** @param path with parameters in braces; a `*` at its end stands for anything. */
  add(path: string, method: string): void {
    const known = this.#byPath.get(path) ?? { pattern: patternOf(path), methods: new Set() }
    known.methods.add(method)
    if (method === "GET") known.methods.add("HEAD")
    this.#byPath.set(path, known)
  }

  /** For the `Allow` header; undefined when no such path is known. */
  allowed(path: string): string | undefined {
    const allowed = new Set<string>()
    for (const { pattern, methods } of this.#byPath.values()) {
      if (pattern.test(path)) for (const method of methods) allowed.add(method)
    }
    return allowed.size === 0 ? undefined : [...allowed].sort().join(", ")
  }
}

function patternOf(path: string): RegExp {
  const segments = path.split("/").map((segment) => {
    if (segment === "*") return ".*"
    return /^\{.*\}$/.test(segment) ? "[^/]+" : segment.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
  })
  return new RegExp(`^${segments.join("/")}$`)
}
