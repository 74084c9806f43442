/**
 * Packages with compiled code. It is made for one platform and loaded from a file of its own, so such
 * a package stays out of the bundle and is installed beside it, for the platform of the image rather
 * than for the one that builds it.
 *
 * npm does that on any machine for packages that carry their binaries (sharp, esbuild, napi-rs all
 * do): what is compiled at installation is not for cross-building, and is refused by its absence.
 */
import { execFile } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import type { Plugin } from "esbuild"
import { ProgramError } from "./run.ts"

export interface NativePackage {
  readonly name: string
  readonly version: string
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
        const manifest: Manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
        const isOut = external.includes(name) || isNative(manifest, found.path, folder)
        if (!isOut) return undefined
        left.set(name, { name, version: manifest.version })
        return { path, external: true }
      })
    },
  }
  const found = () => [...left.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return { plugin, found }
}

/**
 * Installs packages into `folder`, without running any script of theirs.
 * @throws {ProgramError} with what npm said.
 */
export async function install(
  packages: readonly NativePackage[],
  platform: Platform,
  folder: string,
): Promise<void> {
  const cpu = platform === "linux/arm64" ? "arm64" : "x64"
  const wanted = packages.map(({ name, version }) => `${name}@${version}`)
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
  try {
    await promisify(execFile)("npm", [...flags, ...wanted], { cwd: folder })
  } catch (error) {
    const { stderr = "", message } = error as Error & { readonly stderr?: string }
    throw new ProgramError("npm install", stderr.trim() || message)
  }
}

interface Manifest {
  readonly version: string
  readonly gypfile?: boolean
  readonly binary?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
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
    const manifest = join(folder, "package.json")
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).name === name) {
      return folder
    }
  }
  return undefined
}
