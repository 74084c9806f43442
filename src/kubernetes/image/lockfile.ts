/**
 * The project's lockfile: what it says of a package that is installed, and of one that is not, because
 * it is for another platform than this machine.
 *
 * Nothing comes from a registry that no lockfile vouches for. A name and a version alone are anybody's:
 * under those of a private package, the public registry may have something else.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { formats, type Locked } from "./lockfile-formats.ts"
import type { Manifest } from "./package-folder.ts"

/** A package that can't get into the image. `advice` is what to do, and what was said about it. */
export class PackageError extends Error {
  override readonly name = "PackageError"
  readonly advice: string

  constructor(message: string, advice: string) {
    super(message)
    this.advice = advice
  }
}

/** By which of these in node_modules it is seen who has installed what lies there. */
const marks: Readonly<Record<string, readonly string[]>> = {
  "package-lock.json": [".package-lock.json"],
  "pnpm-lock.yaml": [".modules.yaml"],
  "yarn.lock": [".yarn-integrity", ".yarn-state.yml"],
  "bun.lock": [".bun"],
}

export class Lockfile {
  /** Where it lies, as does the configuration of who has written it. */
  readonly folder: string
  /** As it is called in messages. */
  readonly shown: string
  readonly #project: string
  readonly #packages: readonly Locked[]

  constructor(path: string, project: string, packages: readonly Locked[]) {
    this.folder = dirname(path)
    this.shown = relative(project, path)
    this.#project = project
    this.#packages = packages
  }

  /**
   * What it says of a package that is installed.
   * @throws {PackageError} when it does not know it, or not by one integrity.
   */
  of({ name, version }: Pick<Manifest, "name" | "version">): Locked {
    const all = this.#packages.filter((each) => each.name === name)
    const these = all.filter((each) => (each.version ?? version) === version)
    const [first] = these
    if (first === undefined) {
      const others = [...new Set(all.map((each) => each.version))].join(", ")
      throw new PackageError(
        `${name} ${version} is installed, and ${this.shown} does not know it${others && `; it has ${others}`}.`,
        "Install anew, so that both have the same: npm install, pnpm install, yarn install or bun install.",
      )
    }
    const apart = these.find((each) => each.apart !== undefined)
    if (apart !== undefined) return apart
    if (this.#hasPatch(`${name}+${version}`)) return { ...first, apart: "is patched" }
    const sure = these.filter((each) => each.integrity !== undefined)
    if (sure.length === 0) {
      throw new PackageError(
        `${this.shown} has no integrity of ${name} ${version}: what comes from a registry under that name could be anything.`,
        "Remove its entry from the lockfile, and install anew; then the lockfile has it.",
      )
    }
    if (new Set(sure.map((each) => each.integrity)).size > 1) {
      throw new PackageError(
        `${this.shown} has ${name} ${version} with more than one integrity.`,
        "Which of them the service was tried with can't be told. Remove its entries from the lockfile, and install anew.",
      )
    }
    return sure[0]!
  }

  /**
   * What it says of a package that another may have and that is not installed; undefined when it knows
   * none, or several of which none is surely meant.
   */
  absent(name: string, range: string): Locked | undefined {
    const [, alias = name, version = range] = /^npm:(@?[^@]+)@(.+)$/.exec(range) ?? []
    const all = this.#packages.filter((each) => each.name === alias)
    const versions = new Set(all.map((each) => each.version))
    return all.find((each) => each.version === version || versions.size === 1)
  }

  /** Whether patch-package changes it, of which lockfiles know nothing. */
  #hasPatch(of: string): boolean {
    const begin = of.replaceAll("/", "+")
    const folders = [this.folder, this.#project].map((each) => join(each, "patches"))
    return folders
      .flatMap((each) => (existsSync(each) ? readdirSync(each) : []))
      .some((file) => file.startsWith(begin) && file.endsWith(".patch"))
  }
}

/**
 * The nearest lockfile, from the project's folder upwards; undefined where there is none.
 * @throws {PackageError} when it can't be read.
 */
export function lockfileOf(project: string): Lockfile | undefined {
  for (let folder = project; ; folder = dirname(folder)) {
    const names = Object.keys(formats).filter((name) => existsSync(join(folder, name)))
    const isMarked = (name: string): boolean =>
      (marks[name] ?? []).some((mark) => existsSync(join(folder, "node_modules", mark)))
    const name = names.find(isMarked) ?? names[0]
    if (name !== undefined) return readLockfile(join(folder, name), name, project)
    if (existsSync(join(folder, "bun.lockb"))) {
      throw new PackageError(
        `${relative(project, join(folder, "bun.lockb"))} is binary, and only Bun can read it.`,
        "Have it written as text: bun install --save-text-lockfile",
      )
    }
    if (folder === dirname(folder)) return undefined
  }
}

function readLockfile(path: string, name: string, project: string): Lockfile {
  try {
    return new Lockfile(path, project, formats[name]!(readFileSync(path, "utf8")))
  } catch (error) {
    throw new PackageError(
      `${relative(project, path)} can't be read.`,
      `${error instanceof Error ? error.message : error}\nIf it has a merge in it, resolve that, and install anew.`,
    )
  }
}
