/**
 * Where each package that lies beside the bundle is taken from, with all that it needs.
 *
 * What the service was tried with lies in node_modules, so it is copied from there: in that version,
 * patches and links included, without a network. Packages with compiled code are for this machine
 * there, and may have been changed by a script as they were installed. So those come from the
 * registry again, as the lockfile has them, together with what they have for the image's platform;
 * what of them is code has to be the same as here. Packages of the project are in no registry, whatever
 * has their name there, and are copied like all others.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { extname, join } from "node:path"
import { fetchedAs, fetchPackages } from "./fetch.ts"
import { type Lockfile, lockfileOf, PackageError } from "./lockfile.ts"
import type { Locked } from "./lockfile-formats.ts"
import { fits, isMadeFor, type Platform } from "./native.ts"
import {
  installedFor,
  isCompiled,
  isLinked,
  type Manifest,
  manifestIn,
  type PackagePlace,
} from "./package-folder.ts"

export interface Demand {
  /** The folder of the project, from which the lockfile is looked for. */
  readonly project: string
  readonly platform: Platform
  /** For what is fetched; it may go once all is copied. */
  readonly folder: string
  readonly signal: AbortSignal
}

/** A package that is imported. */
interface Root extends PackagePlace {
  readonly isCompiled: boolean
}

interface Wanted {
  readonly locked: Locked
  /** Where the project has it; undefined of what is for another platform than this machine. */
  readonly installed: string | undefined
}

export class Supply {
  readonly #demand: Demand
  #lockfile: Lockfile | undefined
  /** By folder, what a package needs. */
  readonly #needs = new Map<string, readonly PackagePlace[]>()
  /** By the folder that a package is known by, the one with what was fetched of it. */
  readonly #fetched = new Map<string, string>()
  /** By folder, why one with compiled code is copied. */
  readonly #apart = new Map<string, string>()
  /** By name and version, where what is not installed will be. */
  readonly #absent = new Map<string, string>()
  readonly #notes = new Set<string>()
  #wanted: Wanted[] = []
  #batch = 0

  private constructor(demand: Demand) {
    this.#demand = demand
  }

  /**
   * Finds all that packages need, and fetches what has to be.
   * @throws {PackageError} when one can't be had as the lockfile has it.
   */
  static async of(packages: readonly Root[], demand: Demand): Promise<Supply> {
    const supply = new Supply(demand)
    for (const { folder, isCompiled } of packages) supply.#seeInstalled(folder, isCompiled)
    while (supply.#wanted.length > 0) await supply.#fetch()
    return supply
  }

  /** What a person should know of it, in sentences. */
  get notes(): readonly string[] {
    return [...this.#notes].toSorted()
  }

  /** What the package in a folder needs. */
  needs(folder: string): readonly PackagePlace[] {
    return this.#needs.get(folder) ?? []
  }

  /** From where the package that is known by a folder is copied. */
  from(folder: string): string {
    return this.#fetched.get(folder) ?? folder
  }

  /** Why one with compiled code is copied from where it is installed; undefined when it is not. */
  apart(folder: string): string | undefined {
    return this.#apart.get(folder)
  }

  #seeInstalled(folder: string, compiled = isCompiled(folder)): void {
    if (this.#needs.has(folder)) return
    this.#needs.set(folder, [])
    const manifest = manifestIn(folder)
    if (compiled) this.#choose(folder, manifest)
    const found = Object.entries(neededBy(manifest)).flatMap(([name, range]) => {
      const installed = installedFor(folder, name)
      if (installed === undefined) return this.#foreign(manifest, name, range)
      if (!fits(manifestIn(installed), this.#demand.platform)) return []
      this.#seeInstalled(installed)
      return [{ name, folder: installed }]
    })
    this.#needs.set(folder, found)
  }

  /** Decides on one with compiled code. */
  #choose(folder: string, manifest: Manifest): void {
    if (isLinked(folder)) {
      this.#apart.set(folder, "is of the project")
      return
    }
    const locked = this.#lock(manifest).of(manifest)
    if (locked.apart === undefined) this.#fetched.set(folder, this.#want(locked, folder))
    else this.#apart.set(folder, locked.apart)
  }

  /** What one has for the image's platform and not for this machine's, if the name is of such. */
  #foreign(manifest: Manifest, name: string, range: string): readonly PackagePlace[] {
    if (manifest.optionalDependencies?.[name] === undefined) return []
    const { platform } = this.#demand
    const lockfile = this.#found()
    if (lockfile === undefined) return []
    const locked = lockfile.absent(name, range)
    if (locked === undefined) {
      if (isMadeFor(name, {}, platform)) {
        this.#notes.add(
          `${manifest.name} has ${name} for ${platform}, of which ${lockfile.shown} does not say which version: it is not in the image. Install anew without the lockfile, and it has those for all platforms.`,
        )
      }
      return []
    }
    return isMadeFor(name, locked, platform) ? [this.#absentPlace(name, locked, lockfile)] : []
  }

  #absentPlace(name: string, locked: Locked, lockfile: Lockfile): PackagePlace {
    const key = `${locked.name}@${locked.version}`
    if (locked.apart !== undefined || locked.integrity === undefined) {
      const why = locked.apart ?? `has no integrity in ${lockfile.shown}`
      throw new PackageError(
        `${locked.name} ${locked.version ?? ""} is for ${this.#demand.platform}, is not installed here, and ${why}: it can't be fetched as what it should be.`,
        "Have it installed beside that for this machine, and it is copied. With Yarn, in .yarnrc.yml: supportedArchitectures: { os: [current, linux], cpu: [current, x64, arm64], libc: [current, glibc] }",
      )
    }
    const folder = this.#absent.get(key) ?? this.#want(locked, undefined)
    this.#absent.set(key, folder)
    return { name, folder }
  }

  /** Sees to it that one is fetched; returns where it will be. */
  #want(locked: Locked, installed: string | undefined): string {
    const at = this.#wanted.push({ locked, installed }) - 1
    return join(this.#place(), "node_modules", fetchedAs(at))
  }

  /** Where the next are fetched to. */
  #place(): string {
    return join(this.#demand.folder, `fetched-${this.#batch}`)
  }

  async #fetch(): Promise<void> {
    const { project, signal } = this.#demand
    const [place, wanted, lockfile] = [this.#place(), this.#wanted, this.#lockfile]
    this.#wanted = []
    this.#batch++
    if (lockfile === undefined) throw new Error("What is fetched is of a lockfile.")
    const all = wanted.map(({ locked }) => locked)
    await fetchPackages(all, lockfile, project, place, signal)
    for (const [at, { locked, installed }] of wanted.entries()) {
      const folder = join(place, "node_modules", fetchedAs(at))
      if (installed === undefined) this.#seeFetched(folder)
      else refuseOther(locked, folder, installed, lockfile)
    }
  }

  /** What one needs that is not installed here: what came in its tarball, and what is locked. */
  #seeFetched(folder: string): void {
    const manifest = manifestIn(folder)
    const { dependencies = {}, optionalDependencies = {} } = manifest
    const lockfile = this.#lock(manifest)
    const all = Object.entries({ ...optionalDependencies, ...dependencies })
    const found = all.flatMap(([name, range]): readonly PackagePlace[] => {
      const inside = join(folder, "node_modules", name)
      if (existsSync(inside)) {
        this.#needs.set(inside, [])
        return [{ name, folder: inside }]
      }
      if (name in optionalDependencies) return this.#foreign(manifest, name, range)
      const locked = lockfile.absent(name, range)
      return locked === undefined ? [] : [this.#absentPlace(name, locked, lockfile)]
    })
    this.#needs.set(folder, found)
  }

  #found(): Lockfile | undefined {
    this.#lockfile ??= lockfileOf(this.#demand.project)
    return this.#lockfile
  }

  #lock({ name, version }: Manifest): Lockfile {
    const found = this.#found()
    if (found !== undefined) return found
    throw new PackageError(
      `${name} ${version} has compiled code, and there is no lockfile that says what it is.`,
      `It is fetched for the image's platform, and what a registry has under a name and a version may be anybody's. Write a lockfile into ${this.#demand.project} or above it: npm install, pnpm install, yarn install or bun install. A package of your own is copied where it is one of the workspace, or named by file:.`,
    )
  }
}

/** By name, in which version. */
function neededBy({
  dependencies,
  optionalDependencies,
  peerDependencies,
}: Manifest): Readonly<Record<string, string>> {
  return { ...peerDependencies, ...optionalDependencies, ...dependencies }
}

/** What is the same on all platforms, and what no script has a reason to write anew. */
const codeEndings = new Set([".js", ".cjs", ".mjs", ".json"])

/**
 * Refuses what was fetched when its code is not that with which the service was tried.
 * @throws {PackageError} with the file that is another.
 */
function refuseOther(locked: Locked, fetched: string, installed: string, lockfile: Lockfile): void {
  // npm gives programs the ends of lines that Linux wants.
  const text = (path: string): string => readFileSync(path, "latin1").replaceAll("\r\n", "\n")
  const other = readdirSync(fetched, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile() && codeEndings.has(extname(each.name)))
    .map((each) => join(each.parentPath, each.name).slice(fetched.length + 1))
    .filter((path) => !path.startsWith("node_modules"))
    .find((path) => {
      const own = join(installed, path)
      // Some have what they don't need taken out of node_modules.
      return existsSync(own) && text(own) !== text(join(fetched, path))
    })
  if (other === undefined) return
  throw new PackageError(
    `${locked.name} ${locked.version} is installed with another ${other} than ${lockfile.shown} says: the image would have what was never tried.`,
    "Install anew, and it is what the lockfile says (npm ci). If it is changed on purpose, do that where it is known: by a patch of patch-package, pnpm, Yarn or Bun, or with a copy of the package in the project, named by file:.",
  )
}
