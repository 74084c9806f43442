/** How much room packages take in an image, and what of that a service has no use for. */
import { existsSync, lstatSync, readdirSync } from "node:fs"
import { basename, join } from "node:path"
import type { Platform } from "./native.ts"
import { leaveOutOthers } from "./other-platforms.ts"
import { manifestIn } from "./package-folder.ts"

export interface PackageSize {
  readonly name: string
  readonly version: string
  readonly bytes: number
  /** Of binaries for other platforms, which it came with and no longer has. */
  readonly leftOutBytes: number
  /** What a service on the platform has no use for, as far as that can be seen by its name. */
  readonly idle: readonly IdlePart[]
}

interface IdlePart {
  readonly what: string
  readonly bytes: number
}

/**
 * Leaves what is for other platforms out of the packages in a folder's node_modules, and tells the size
 * of each, packages below it included.
 * @param kept the names of packages that stay as they are.
 */
export function slimmed(
  folder: string,
  platform: Platform,
  kept: readonly string[],
): readonly PackageSize[] {
  const modules = join(folder, "node_modules")
  if (!existsSync(modules)) return []
  const names = readdirSync(modules)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) =>
      name.startsWith("@")
        ? readdirSync(join(modules, name)).map((each) => `${name}/${each}`)
        : [name],
    )
  return names.flatMap((name) => {
    const own = join(modules, name)
    if (!existsSync(join(own, "package.json"))) return []
    const leftOutBytes = kept.includes(name) ? 0 : leaveOutOthers(own, platform)
    return [{ ...sizeOf(name, own, platform), leftOutBytes }]
  })
}

function sizeOf(
  name: string,
  folder: string,
  platform: Platform,
): Omit<PackageSize, "leftOutBytes"> {
  let bytes = 0
  const idle = new Map<string, number>()
  for (const file of readdirSync(folder, { recursive: true }).map(String)) {
    const stats = lstatSync(join(folder, file))
    if (!stats.isFile()) continue
    bytes += stats.size
    const what = idleAs(file, platform)
    if (what !== undefined) idle.set(what, (idle.get(what) ?? 0) + stats.size)
  }
  const parts = Array.from(idle, ([what, of]) => ({ what, bytes: of }))
  return { name, version: manifestIn(folder).version, bytes, idle: parts }
}

/** What a file is that a service has no use for on a platform; undefined of all others. */
function idleAs(file: string, platform: Platform): string | undefined {
  const other = platform === "linux/arm64" ? /x64|x86_64|amd64/ : /arm64|aarch64/
  const isBinary = /\.(node|dll|exe|so|dylib)$/.test(file)
  if (
    /(^|[-_./\\])(darwin|win32|windows|macos|android|freebsd|musl|ia32|armv?[67]?)([-_./\\]|$)/.test(
      file,
    ) &&
    (isBinary || /prebuilds|[\\/]bin[\\/]/.test(file))
  ) {
    return "binaries for other platforms"
  }
  if (isBinary && (other.test(file) || /\.(dll|exe|dylib)$/.test(file))) {
    return "binaries for other platforms"
  }
  if (file.endsWith(".map")) return "source maps"
  if (/\.d\.[cm]?ts$/.test(basename(file))) return "types"
  return undefined
}

/** How much, for a person. */
export function megabytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 1e5 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
