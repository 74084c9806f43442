/** Which methods a path answers: for 405, whose `Allow` has to name them, and to tell it from 404. */

interface Known {
  /** Of the normal form; see path.ts. */
  readonly pattern: RegExp
  readonly methods: Set<string>
}

export class KnownPaths {
  readonly #bySource = new Map<string, Known>()

  add(pattern: RegExp, method: string): void {
    const known = this.#bySource.get(pattern.source) ?? { pattern, methods: new Set() }
    known.methods.add(method)
    if (method === "GET") known.methods.add("HEAD")
    this.#bySource.set(pattern.source, known)
  }

  /**
   * For the `Allow` header; undefined when no such path is known.
   * @param path in the normal form
   */
  allowed(path: string): string | undefined {
    const allowed = new Set<string>()
    for (const { pattern, methods } of this.#bySource.values()) {
      if (pattern.test(path)) for (const method of methods) allowed.add(method)
    }
    return allowed.size === 0 ? undefined : [...allowed].sort().join(", ")
  }
}
