/**
 * Puts packages beside the bundle, whole, with all that they need.
 *
 * Those with compiled code are of another platform than the ones here, perhaps, and come from npm. All
 * others are copied from where the service has them: that is the version which was tried, patches and
 * links included, and it takes no network. They lie as npm would lay them, flat where they can.
 */
import { cpSync, existsSync } from "node:fs"
import { join, sep } from "node:path"
import { hasBinary, installCompiled, type Platform } from "./native.ts"
import {
  dependenciesOf,
  isCompiled,
  isForLinux,
  manifestIn,
  type PackagePlace,
} from "./package-folder.ts"
import { type PackageSize, slimmed } from "./sizes.ts"
import type { WholePackage } from "./whole.ts"

export interface InstalledPackage extends WholePackage {
  /** Of a package with compiled code, whether that has come along. */
  readonly hasBinary: boolean
}

export interface Installed {
  /** Those that the bundle imports. */
  readonly packages: readonly InstalledPackage[]
  /** All that lie beside the bundle, those that others need included; the largest first. */
  readonly sizes: readonly PackageSize[]
}

/**
 * Installs packages into `folder`, which has a package.json; what they have for other platforms stays out.
 * @param asked the names of those that come with all that they have.
 * @throws {ProgramError} with what npm said.
 */
export async function install(
  packages: readonly WholePackage[],
  asked: readonly string[],
  platform: Platform,
  folder: string,
  signal: AbortSignal,
): Promise<Installed> {
  if (packages.length === 0) return { packages: [], sizes: [] }
  const { copied, compiled } = needed(packages)
  if (compiled.length > 0) await installCompiled(compiled, platform, folder, signal)
  const versionAt = (path: string): string | undefined => {
    const place = join(folder, path)
    return existsSync(join(place, "package.json")) ? manifestIn(place).version : undefined
  }
  const needs = (from: string): readonly Laid[] =>
    dependenciesOf(from)
      .filter((each) => !isCompiled(each.folder))
      .map((each) => ({ ...each, version: manifestIn(each.folder).version }))
  for (const [path, from] of layout(copied, needs, versionAt)) {
    signal.throwIfAborted()
    cpSync(from, join(folder, path), {
      recursive: true,
      dereference: true,
      filter: (file) => !isApart(file.slice(from.length)),
    })
  }
  const sizes = slimmed(folder, platform, asked)
  return {
    packages: packages.map((each) => ({ ...each, hasBinary: hasBinary(each.name, folder) })),
    sizes: sizes.toSorted((a, b) => b.bytes - a.bytes),
  }
}

/** Of what lies in a package's folder, packages that have places of their own, and git's. */
function isApart(path: string): boolean {
  return path.startsWith(`${sep}node_modules`) || path.startsWith(`${sep}.git`)
}

/** What is copied, and which packages with compiled code it needs, wherever they are needed. */
function needed(packages: readonly WholePackage[]): {
  readonly copied: readonly WholePackage[]
  readonly compiled: readonly PackagePlace[]
} {
  const copied = packages.filter((each) => !each.isCompiled)
  const compiled = new Map<string, PackagePlace>()
  for (const each of packages) if (each.isCompiled) compiled.set(each.name, each)
  const seen = new Set<string>()
  const follow = ({ folder }: PackagePlace): void => {
    if (seen.has(folder)) return
    seen.add(folder)
    for (const below of dependenciesOf(folder)) {
      if (!isCompiled(below.folder)) follow(below)
      else if (isForLinux(below.folder)) compiled.set(below.name, below)
    }
  }
  for (const each of copied) follow(each)
  return { copied, compiled: [...compiled.values()] }
}

/** A package as it is laid out. */
export interface Laid extends PackagePlace {
  readonly version: string
}

/**
 * Where each package is copied to, `node_modules/…`, and from which folder: at the top where its
 * name is free there, and otherwise below the package that needs it.
 * @param needs what the package in a folder needs.
 * @param versionAt the version of what lies at a path already, if anything does.
 */
export function layout(
  roots: readonly Laid[],
  needs: (folder: string) => readonly Laid[],
  versionAt: (path: string) => string | undefined,
): ReadonlyMap<string, string> {
  const placed = new Map<string, string>()
  const queue: (readonly [path: string, folder: string])[] = []
  const put = (path: string, folder: string): void => {
    placed.set(path, folder)
    queue.push([path, folder])
  }
  for (const { name, folder } of roots) put(`node_modules/${name}`, folder)
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const [path, from] = next
    for (const { name, folder, version } of needs(from)) {
      const seen = seenFrom(path, name).find((place) => placed.has(place) || versionAt(place))
      if (seen === undefined) put(`node_modules/${name}`, folder)
      else if (placed.get(seen) !== folder && (placed.has(seen) || versionAt(seen) !== version)) {
        put(`${path}/node_modules/${name}`, folder)
      }
    }
  }
  return placed
}

/** Where code in a package looks for another, the nearest first. */
function seenFrom(path: string, name: string): readonly string[] {
  const places: string[] = []
  for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
    places.push(`${at}/node_modules/${name}`)
  }
  return [...places, `node_modules/${name}`]
}
