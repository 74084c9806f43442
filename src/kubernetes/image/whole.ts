/**
 * Packages that stay out of the bundle and lie beside it, whole: those with compiled code, which is
 * made for one platform and loaded from a file of its own; those whose code looks for files beside
 * it; those that can't be bundled; and those that were asked for by name.
 *
 * The first kind is seen when it is imported. The others only once their code is at hand, so a bundle
 * is made, its modules are read, and it is made again without what has to come whole.
 */
import { readdirSync, readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { extname, join } from "node:path"
import type { Plugin } from "esbuild"
import { type Signs, signsIn } from "./beside.ts"
import {
  installedFor,
  isCompiled,
  manifestIn,
  nameIn,
  packageFolder,
  packageOf,
} from "./package-folder.ts"

export interface WholePackage {
  /** Under which it is imported. */
  readonly name: string
  readonly version: string
  /** Where the service has it. */
  readonly folder: string
  /** Why it comes whole, in words that follow its name. */
  readonly why: string
  readonly isCompiled: boolean
}

export class WholePackages {
  readonly plugin: Plugin
  /** By folder, why a package has to come whole that is not seen to when it is imported. */
  readonly #reasons = new Map<string, string>()
  readonly #asked: readonly string[]
  readonly #imported = new Set<string>()
  /** By name, those that the project's code looks for; it may never import them. */
  readonly #lookedFor = new Map<string, WholePackage>()
  #left = new Map<string, WholePackage>()
  readonly #signs = new Map<string, Promise<Signs>>()
  /** By folder, whether a package has compiled code, or names some that it may have. */
  readonly #compiled = new Map<string, boolean>()

  /** @param asked the names of those that come whole whatever their code says. */
  constructor(asked: readonly string[]) {
    this.#asked = asked
    this.plugin = this.#plugin()
  }

  /** Grows with what is known: as long as it does, a bundle has to be made again. */
  get known(): number {
    return this.#reasons.size
  }

  /** What the last bundle was made without, by name. */
  found(): readonly WholePackage[] {
    return [...this.#left.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Those that were asked for and that nothing imports or looks for. */
  strays(): readonly string[] {
    return this.#asked.filter((name) => !this.#imported.has(name))
  }

  /** Has the package that a file belongs to come whole. Returns whether that is news. */
  take(file: string, why: string): boolean {
    const folder = packageOf(file)?.folder
    if (folder === undefined || this.#reasons.has(folder)) return false
    this.#reasons.set(folder, why)
    return true
  }

  /** Has a package come whole that the project's code looks for by its place, imported or not. */
  lookFor(name: string, folder: string): void {
    const why = "is looked for by its place"
    this.take(join(folder, "package.json"), why)
    if (this.#lookedFor.has(name)) return
    const { version } = manifestIn(folder)
    const found = { name, version, folder, why, isCompiled: isCompiled(folder) }
    this.#lookedFor.set(name, found)
    if (!this.#left.has(name)) this.#left.set(name, found)
    this.#imported.add(name)
  }

  /** Reads modules that were bundled, and has those packages come whole whose code says so. */
  async read(files: readonly string[]): Promise<void> {
    for (const file of files) {
      const { beside, computes } = await this.#signsIn(file)
      const why =
        beside === undefined
          ? computes && "loads modules by names that it computes"
          : `has files beside its code (${beside})`
      if (why) this.take(file, why)
    }
  }

  /**
   * What can't be told of packages: by name, in sentences.
   * @param files the modules of packages that stayed in the bundle.
   */
  untold(files: readonly string[]): readonly string[] {
    const said = new Map<string, string>()
    for (const { name, folder } of this.#left.values()) {
      if (this.#reasons.get(folder)?.includes("computes") !== true) continue
      said.set(
        name,
        `${name} loads modules by names that it computes. Its own are in the image; a package that it is told by name is there only if your code imports it.`,
      )
    }
    const stayed = files.map(packageOf).filter((found) => found !== undefined)
    for (const [folder, name] of new Map(stayed.map((found) => [found.folder, found.name]))) {
      if (said.has(name) || this.#left.has(name)) continue
      const data = dataIn(folder)
      if (data === undefined) continue
      said.set(
        name,
        `${name} has data (${data}, for one) that its code does not name, and stays in the bundle without it. If it reads that, take it whole: --external ${name}`,
      )
    }
    return [...said.values()].toSorted()
  }

  #signsIn(file: string): Promise<Signs> {
    const known = this.#signs.get(file) ?? signsIn(readFileSync(file, "utf8"), file)
    this.#signs.set(file, known)
    return known
  }

  #plugin(): Plugin {
    const asking = Symbol("asking")
    return {
      name: "whole",
      setup: ({ onStart, onResolve, resolve }) => {
        onStart(() => {
          this.#left = new Map(this.#lookedFor)
        })
        onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...asked }) => {
          if (pluginData === asking || isBuiltin(path)) return undefined
          const name = nameIn(path)
          const { kind, importer, resolveDir } = asked
          // To be asked for one, esbuild looks at every folder anew: for all that would be a third
          // of what a bundle costs.
          if (!this.#mayStayOut(name, path, resolveDir, kind)) return undefined
          const found = await resolve(path, { kind, importer, resolveDir, pluginData: asking })
          if (found.errors.length > 0 || found.external) return undefined
          const folder = packageFolder(found.path, name)
          if (folder === undefined) return undefined
          this.#imported.add(name)
          const why = this.#why(name, folder, found.path, kind)
          if (why === undefined) return undefined
          const left = this.#left.get(name)
          // Another version of it has the place that is looked at from the bundle: whoever wants
          // this one comes whole as well, with this one below it.
          if (left !== undefined && left.folder !== folder) {
            this.take(importer, `wants ${name} in a version of its own`)
            return undefined
          }
          const { version } = manifestIn(folder)
          const compiled = isCompiled(folder, found.path)
          this.#left.set(name, { name, version, folder, why, isCompiled: compiled })
          return { path, external: true }
        })
      },
    }
  }

  /** Whether there may be a reason, as far as can be said before it is resolved. */
  #mayStayOut(name: string, path: string, from: string, kind: string): boolean {
    if (this.#asked.includes(name) || kind === "require-resolve") return true
    // A project's own, by a name that a tsconfig.json or its package.json gives it; or nowhere.
    const folder = installedFor(from, name)
    if (folder === undefined || this.#reasons.has(folder)) return true
    return path.endsWith(".node") || this.#mayBeCompiled(folder)
  }

  #mayBeCompiled(folder: string): boolean {
    const known = this.#compiled.get(folder)
    if (known !== undefined) return known
    const isNamed = readFileSync(join(folder, "package.json"), "utf8").includes('.node"')
    const may = isNamed || isCompiled(folder)
    this.#compiled.set(folder, may)
    return may
  }

  #why(name: string, folder: string, entry: string, kind: string): string | undefined {
    if (isCompiled(folder, entry)) return "has compiled code"
    if (this.#asked.includes(name)) return "was asked for"
    if (kind === "require-resolve") return "is looked for by its place (require.resolve())"
    return this.#reasons.get(folder)
  }
}

/** What is nothing but data to whoever reads a package. */
const dataEndings = new Set(
  ".wasm .bin .dat .data .onnx .pb .tflite .gguf .traineddata .gz .br .zst .xz .mmdb .sqlite .db .ttf .otf .pfb .icc .csv .npy .parquet".split(
    " ",
  ),
)

/** The first data file of a package, not those of packages below it. */
function dataIn(folder: string, below = ""): string | undefined {
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const path = join(below, entry.name)
    if (entry.isFile() && dataEndings.has(extname(entry.name))) return path
    if (
      !entry.isDirectory() ||
      /^(?:node_modules|test|tests|docs?|examples?|\..*)$/.test(entry.name)
    )
      continue
    const found = dataIn(folder, path)
    if (found !== undefined) return found
  }
  return undefined
}
