/**
 * Packages with compiled code. It is made for one platform and loaded from a file of its own, so such
 * a package stays out of the bundle and is installed beside it, for the platform of the image rather
 * than for the one that builds it.
 *
 * npm does that on any machine for packages that carry their binaries (sharp, esbuild, napi-rs all
 * do): what is compiled at installation is not for cross-building, and its absence is told. What they
 * bring along is pinned to what the service has now; left to npm, it would be another in a month.
 */
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Plugin } from "esbuild"
import { must } from "./run.ts"

export interface NativePackage {
  readonly name: string
  readonly version: string
  /** Where the service has it. */
  readonly folder: string
  /** Otherwise it is only asked to be installed whole. */
  readonly isCompiled: boolean
}

export interface InstalledPackage extends NativePackage {
  /** Of a package with compiled code, whether that has come along. */
  readonly hasBinary: boolean
}

/** As images are named: `linux/amd64`. */
export const platforms = ["linux/amd64", "linux/arm64"] as const
export type Platform = (typeof platforms)[number]

/**
 * A plugin that leaves packages with compiled code, and those named in `external`, out of a bundle,
 * and what it has left out.
 */
export function nativePackages(external: readonly string[]): {
  readonly plugin: Plugin
  found(): readonly NativePackage[]
} {
  const left = new Map<string, NativePackage>()
  const asking = Symbol("asking")
  const plugin: Plugin = {
    name: "native",
    setup({ onResolve, resolve }) {
      onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...asked }) => {
        const name = /^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? path
        if (pluginData === asking || path.startsWith("node:")) return undefined
        if (left.has(name)) return { path, external: true }
        const { kind, importer, resolveDir } = asked
        const found = await resolve(path, { kind, importer, resolveDir, pluginData: asking })
        if (found.errors.length > 0 || found.external) return undefined
        const folder = packageFolder(found.path, name)
        if (folder === undefined) return undefined
        const manifest = manifestIn(folder)
        const isCompiled = isNative(manifest, found.path, folder)
        if (!isCompiled && !external.includes(name)) return undefined
        left.set(name, { name, version: manifest.version, folder, isCompiled })
        return { path, external: true }
      })
    },
  }
  const found = () => [...left.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return { plugin, found }
}

/**
 * Installs packages into `folder`, which has a package.json, without running any script of theirs.
 * @throws {ProgramError} with what npm said.
 */
export async function install(
  packages: readonly NativePackage[],
  platform: Platform,
  folder: string,
  signal: AbortSignal,
): Promise<readonly InstalledPackage[]> {
  const cpu = platform === "linux/arm64" ? "arm64" : "x64"
  const wanted = packages.map(({ name, version }) => `${name}@${version}`)
  const file = join(folder, "package.json")
  const overrides = broughtAlong(packages)
  writeFileSync(file, `${JSON.stringify({ ...manifestIn(folder), overrides }, null, 2)}\n`)
  const flags = [
    ...[
      "install",
      "--save-exact",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      "--no-package-lock",
    ],
    ...["--os=linux", `--cpu=${cpu}`, "--libc=glibc", "--omit=dev"],
  ]
  await must("npm", [...flags, ...wanted], { signal, cwd: folder })
  // npm's own notes, which name the registry: the same packages from a mirror are the same image.
  rmSync(join(folder, "node_modules", ".package-lock.json"), { force: true })
  return packages.map((each) => ({ ...each, hasBinary: hasBinary(each.name, folder) }))
}

interface Manifest {
  readonly name?: string
  readonly version: string
  readonly gypfile?: boolean
  readonly binary?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/**
 * The packages below these, in the versions that the service has now. One that is there in two versions
 * is left to npm, and so is one from elsewhere than a registry.
 */
function broughtAlong(packages: readonly NativePackage[]): Readonly<Record<string, string>> {
  const versions = new Map<string, Set<string>>()
  const seen = new Set<string>()
  const follow = (folder: string): void => {
    if (seen.has(folder)) return
    seen.add(folder)
    const { dependencies, optionalDependencies } = manifestIn(folder)
    for (const [name, range] of Object.entries({ ...dependencies, ...optionalDependencies })) {
      // Optional ones are not there when they are for other platforms.
      const found = installedFor(folder, name)
      if (found === undefined || /[:/]/.test(range)) continue
      const known = versions.get(name) ?? new Set<string>()
      versions.set(name, known.add(manifestIn(found).version))
      follow(found)
    }
  }
  for (const { folder } of packages) follow(folder)
  for (const { name } of packages) versions.delete(name)
  const pinned = Array.from(versions, ([name, [version = "", ...more]]) =>
    more.length === 0 ? [[name, version] as const] : [],
  )
  return Object.fromEntries(pinned.flat().toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** Where the code in a folder finds a package. */
function installedFor(folder: string, name: string): string | undefined {
  for (let place = folder; place !== dirname(place); place = dirname(place)) {
    const found = join(place, "node_modules", name)
    if (existsSync(join(found, "package.json"))) return realpathSync(found)
  }
  return undefined
}

/** In itself, or in a package of its own for the platform. */
function hasBinary(name: string, folder: string): boolean {
  const modules = join(folder, "node_modules")
  const own = join(modules, name)
  if (!existsSync(own)) return false
  const { optionalDependencies = {} } = manifestIn(own)
  return (
    Object.keys(optionalDependencies).some((each) => existsSync(join(modules, each))) ||
    readdirSync(own, { recursive: true }).some((file) => /\.(node|wasm)$/.test(String(file)))
  )
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
}

/** Packages that do nothing but find or make another one's compiled code. */
const finders = ["bindings", "node-gyp-build", "node-addon-api", "prebuild-install"]

function isNative(manifest: Manifest, entry: string, folder: string): boolean {
  const { gypfile, binary, dependencies = {}, optionalDependencies = {} } = manifest
  return (
    entry.endsWith(".node") ||
    gypfile === true ||
    binary !== undefined ||
    existsSync(join(folder, "binding.gyp")) ||
    finders.some((name) => name in dependencies) ||
    Object.keys(optionalDependencies).some((name) => /linux.*(x64|arm64)/.test(name))
  )
}

/** The folder of the package `name` that a file belongs to. */
function packageFolder(file: string, name: string): string | undefined {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json")) && manifestIn(folder).name === name) return folder
  }
  return undefined
}
