/**
 * Packages with compiled code, installed for the platform of the image rather than for the one that
 * builds it.
 *
 * npm does that on any machine for packages that carry their binaries (sharp, esbuild, napi-rs all
 * do): what is compiled at installation is not for cross-building, and its absence is told. What they
 * bring along is pinned to what the service has now; left to npm, it would be another in a month.
 */
import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { dependenciesOf, manifestIn, type PackagePlace } from "./package-folder.ts"
import { must } from "./run.ts"

/** As images are named: `linux/amd64`. */
export const platforms = ["linux/amd64", "linux/arm64"] as const
export type Platform = (typeof platforms)[number]

/**
 * Installs packages into `folder`, which has a package.json, without running any script of theirs.
 * @throws {ProgramError} with what npm said.
 */
export async function installCompiled(
  packages: readonly PackagePlace[],
  platform: Platform,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const cpu = platform === "linux/arm64" ? "arm64" : "x64"
  const wanted = packages.map((each) => `${each.name}@${manifestIn(each.folder).version}`)
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
}

/**
 * The packages below these, in the versions that the service has now. One that is there in two versions
 * is left to npm, and so is one from elsewhere than a registry.
 */
function broughtAlong(packages: readonly PackagePlace[]): Readonly<Record<string, string>> {
  const versions = new Map<string, Set<string>>()
  const seen = new Set<string>()
  const follow = (folder: string): void => {
    if (seen.has(folder)) return
    seen.add(folder)
    const { dependencies, optionalDependencies } = manifestIn(folder)
    const ranges: Readonly<Record<string, string>> = { ...dependencies, ...optionalDependencies }
    for (const { name, folder: found } of dependenciesOf(folder)) {
      const range = ranges[name]
      if (range === undefined || /[:/]/.test(range)) continue
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

/** Whether compiled code has come along: in the package, or in one of its own for the platform. */
export function hasBinary(name: string, folder: string): boolean {
  const modules = join(folder, "node_modules")
  const own = join(modules, name)
  if (!existsSync(own)) return false
  const { optionalDependencies = {} } = manifestIn(own)
  return (
    Object.keys(optionalDependencies).some((each) => existsSync(join(modules, each))) ||
    readdirSync(own, { recursive: true }).some((file) => /\.(node|wasm)$/.test(String(file)))
  )
}
