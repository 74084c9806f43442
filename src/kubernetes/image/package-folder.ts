/** Packages as they lie in node_modules: where, which, and what of theirs is compiled. */
import { existsSync, readFileSync, realpathSync } from "node:fs"
import { dirname, join, sep } from "node:path"

export interface Manifest {
  readonly name?: string
  readonly version: string
  readonly gypfile?: boolean
  readonly binary?: unknown
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
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

/** What a package needs and has, by name; optional ones are not there when they are for others. */
export function dependenciesOf(folder: string): readonly PackagePlace[] {
  const { dependencies, optionalDependencies, peerDependencies } = manifestIn(folder)
  const names = Object.keys({ ...peerDependencies, ...optionalDependencies, ...dependencies })
  return names.flatMap((name) => {
    const found = installedFor(folder, name)
    return found === undefined ? [] : [{ name, folder: found }]
  })
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

/** Whether a package is for Linux, among others perhaps: npm refuses one that is for others only. */
export function isForLinux(folder: string): boolean {
  const os = [manifestIn(folder).os ?? []].flat()
  return os.every((name) => name.startsWith("!") && name !== "!linux") || os.includes("linux")
}
