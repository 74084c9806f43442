/**
 * Puts packages beside the bundle, whole, with all that they need. They lie as npm would lay them, flat
 * where they can.
 */
import { cpSync } from "node:fs"
import { join, sep } from "node:path"
import { copyLinked } from "./linked.ts"
import { hasBinary } from "./native.ts"
import { isLinked, isOfCompiler, type PackagePlace } from "./package-folder.ts"
import { type PackageSize, slimmed } from "./sizes.ts"
import { type Demand, Supply } from "./supply.ts"
import type { WholePackage } from "./whole.ts"

export interface InstalledPackage extends WholePackage {
  /** Of a package with compiled code, whether that has come along. */
  readonly hasBinary: boolean
  /** Why one with compiled code was copied as it is here; undefined when it was fetched. */
  readonly apart: string | undefined
}

export interface Installed {
  /** Those that the bundle imports. */
  readonly packages: readonly InstalledPackage[]
  /** All that lie beside the bundle, those that others need included; the largest first. */
  readonly sizes: readonly PackageSize[]
  /** What a person should know of them, in sentences. */
  readonly notes: readonly string[]
}

/**
 * Installs packages into `folder`; what they have for other platforms stays out.
 * @param asked the names of those that come with all that they have.
 * @throws {PackageError} when one can't be had as the project has it.
 */
export async function install(
  packages: readonly WholePackage[],
  asked: readonly string[],
  folder: string,
  demand: Demand,
): Promise<Installed> {
  const { platform, signal } = demand
  const supply = await Supply.of(packages, demand)
  for (const [path, known] of layout(packages, (of) => supply.needs(of))) {
    signal.throwIfAborted()
    const [from, to] = [supply.from(known), join(folder, path)]
    if (isLinked(from)) await copyLinked(from, to, signal)
    else {
      cpSync(from, to, {
        recursive: true,
        dereference: true,
        filter: (file) => !isApart(file.slice(from.length)),
      })
    }
  }
  const sizes = slimmed(folder, platform, asked)
  return {
    packages: packages.map((each) => ({
      ...each,
      hasBinary: hasBinary(each.name, folder, platform),
      apart: supply.apart(each.folder),
    })),
    sizes: sizes.toSorted((a, b) => b.bytes - a.bytes),
    notes: supply.notes,
  }
}

/** Of what lies in a package's folder, packages that have places of their own, git's, and a compiler's. */
function isApart(path: string): boolean {
  return (
    path.startsWith(`${sep}node_modules`) || path.startsWith(`${sep}.git`) || isOfCompiler(path)
  )
}

/**
 * Where each package is copied to, `node_modules/…`, and from which folder: at the top where its
 * name is free there, and otherwise below the package that needs it.
 * @param needs what the package in a folder needs.
 */
export function layout(
  roots: readonly PackagePlace[],
  needs: (folder: string) => readonly PackagePlace[],
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
    for (const { name, folder } of needs(from)) {
      const seen = seenFrom(path, name).find((place) => placed.has(place))
      if (seen === undefined) put(`node_modules/${name}`, folder)
      else if (placed.get(seen) !== folder) put(`${path}/node_modules/${name}`, folder)
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
