/** Which compiled code is for the platform of an image. */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import type { Bounds } from "./lockfile-formats.ts"
import { isOfAnother } from "./other-platforms.ts"
import { manifestIn } from "./package-folder.ts"

/** As images are named: `linux/amd64`. */
export const platforms = ["linux/amd64", "linux/arm64"] as const
export type Platform = (typeof platforms)[number]

/** Whether a package is for a platform, with glibc, by what it says. */
export function fits({ os, cpu, libc }: Bounds, platform: Platform): boolean {
  return allows(os, "linux") && allows(cpu, processorOf(platform)) && allows(libc, "glibc")
}

/** As Node names it. */
function processorOf(platform: Platform): "arm64" | "x64" {
  return platform === "linux/arm64" ? "arm64" : "x64"
}

/** As npm reads these lists: `!win32` is all but that. */
function allows(said: string | readonly string[] | undefined, own: string): boolean {
  const all = [said ?? []].flat()
  const named = all.filter((each) => !each.startsWith("!"))
  return !all.includes(`!${own}`) && (named.length === 0 || named.includes(own))
}

/**
 * Whether a package that is nothing but compiled code is for a platform. Where there are no bounds, as
 * in the lockfiles of Yarn 1, its name says it: `@img/sharp-linux-x64`.
 */
export function isMadeFor(name: string, bounds: Bounds, platform: Platform): boolean {
  if (!fits(bounds, platform)) return false
  if (bounds.os !== undefined || bounds.cpu !== undefined) return true
  const processor =
    platform === "linux/arm64" ? /\b(?:arm64|aarch64)\b/ : /\b(?:x64|x86_64|amd64)\b/
  return /\blinux\b/.test(name) && processor.test(name) && !/musl/.test(name)
}

/** Whether compiled code has come along: in the package, or in one of its own for the platform. */
export function hasBinary(name: string, folder: string, platform: Platform): boolean {
  const modules = join(folder, "node_modules")
  const own = join(modules, name)
  if (!existsSync(own)) return false
  const { optionalDependencies = {} } = manifestIn(own)
  const isIn = (place: string) => (each: string) => existsSync(join(place, each))
  return (
    Object.keys(optionalDependencies).some(isIn(modules)) ||
    Object.keys(optionalDependencies).some(isIn(join(own, "node_modules"))) ||
    readdirSync(own, { recursive: true })
      .map(String)
      .some((file) => /\.(node|wasm)$/.test(file) && !isOfAnother(join(own, file), platform))
  )
}
