/** Packages as they lie in node_modules: where, which, and what of theirs is compiled. */
import { existsSync, readFileSync, realpathSync } from "node:fs"
import { dirname, join, sep } from "node:path"

export interface Manifest {
  readonly name?: string
  readonly version: string
  /** As text where it is as npm wants it; old packages have anything. */
  readonly license?: unknown
  readonly gypfile?: boolean
  readonly binary?: unknown
  readonly files?: readonly string[]
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

export function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
}

/** A package by the name under which it is imported. */
export interface PackagePlace {
  readonly name: string
  readonly folder: string
}

/** The name in front of a path within a package. */
export function nameIn(path: string): string {
  return /^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path
}

/** The package in node_modules that a file belongs to; undefined when it belongs to none. */
export function packageOf(file: string): PackagePlace | undefined {
  const mark = `${sep}node_modules${sep}`
  const at = file.lastIndexOf(mark)
  if (at < 0) return undefined
  const name = nameIn(file.slice(at + mark.length).replaceAll(sep, "/"))
  const folder = join(file.slice(0, at + mark.length), name)
  return existsSync(join(folder, "package.json")) ? { name, folder } : undefined
}

/** The folder of the package `name` that a file belongs to, which may be linked from elsewhere. */
export function packageFolder(file: string, name: string): string | undefined {
  const placed = packageOf(file)
  if (placed !== undefined) return placed.name === name ? placed.folder : undefined
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json")) && manifestIn(folder).name === name) return folder
  }
  return undefined
}

/** Where the code in a folder finds a package. */
export function installedFor(folder: string, name: string): string | undefined {
  for (let place = folder; place !== dirname(place); place = dirname(place)) {
    const found = join(place, "node_modules", name)
    if (existsSync(join(found, "package.json"))) return realpathSync(found)
  }
  return undefined
}

/** Whether the folder of a package is one of the project, which node_modules has by a link. */
export function isLinked(folder: string): boolean {
  return !realpathSync(folder).includes(`${sep}node_modules${sep}`)
}

/**
 * What node-gyp leaves beside what it has made. Nothing loads it, and it names folders of the machine
 * that has compiled.
 */
const ofCompiler =
  /(?:^|[\\/])build[\\/](?:(?:[^\\/]*\.)?Makefile|[^\\/]*\.mk|config\.gypi|(?:Release|Debug)[\\/](?:obj|obj\.target|\.deps)(?:[\\/]|$))/

/** Whether a file of a package, by its path in that, is of no use to who has the package. */
export function isOfCompiler(path: string): boolean {
  return ofCompiler.test(path)
}

/** Packages that do nothing but find or make another one's compiled code. */
const finders = ["bindings", "node-gyp-build", "node-addon-api", "prebuild-install"]

/** Whether a package has compiled code, which is made for one platform. `entry` is a file of it. */
export function isCompiled(folder: string, entry = ""): boolean {
  const {
    gypfile,
    binary,
    os,
    cpu,
    dependencies = {},
    optionalDependencies = {},
  } = manifestIn(folder)
  return (
    entry.endsWith(".node") ||
    gypfile === true ||
    binary !== undefined ||
    os !== undefined ||
    cpu !== undefined ||
    existsSync(join(folder, "binding.gyp")) ||
    finders.some((name) => name in dependencies) ||
    Object.keys(optionalDependencies).some((name) => /linux.*(x64|arm64)/.test(name))
  )
}
