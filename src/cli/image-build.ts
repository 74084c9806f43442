/** From a module to an image in the builder's store: bundled, written into a folder, built. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import {
  type Builder,
  type Built,
  builders,
  buildImage,
  findBuilder,
} from "../kubernetes/image/builder.ts"
import { BundleError } from "../kubernetes/image/bundle.ts"
import { type ImageSource, writeImageFolder } from "../kubernetes/image/folder.ts"
import type { Platform } from "../kubernetes/image/native.ts"
import { ProgramError } from "../kubernetes/image/run.ts"
import { labelValue, nameOf } from "../kubernetes/name.ts"
import type { Described } from "./deployment-flags.ts"
import { Failure } from "./failure.ts"
import { say } from "./say.ts"

export const ownPlatform: Platform = process.arch === "arm64" ? "linux/arm64" : "linux/amd64"

/**
 * @throws {Failure} when no builder works, or it or the bundler fails.
 */
export async function build(described: Described, platforms: readonly Platform[]): Promise<Built> {
  const { service, image } = described
  const tag = image.tag ?? `${nameOf(service.title)}:${labelValue(service.version) || "latest"}`
  const builder = await chosenBuilder(image.builder)
  const folder = mkdtempSync(join(tmpdir(), "capstan-image-"))
  try {
    const folders = new Map<Platform, string>()
    for (const platform of platforms) {
      const own = join(folder, platform.replace("/", "-"))
      await written(imageSource(described, platform), own)
      folders.set(platform, own)
    }
    say(`${builder} builds ${tag} for ${platforms.join(" and ")}`)
    return await failing(() => buildImage({ builder, tag, format: image.format, folders }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs `work`; a program that fails becomes a failure that shows what it said. */
export async function failing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof ProgramError ? new Failure(1, error.message, error.output) : error
  }
}

/** `.ts` when this runs from source. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."))
const ours = (path: string): string => fileURLToPath(new URL(path + extension, import.meta.url))

export function imageSource(
  { module, service, image }: Described,
  platform: Platform,
): ImageSource {
  const { title, version, description } = service
  return {
    name: nameOf(title),
    title,
    version,
    description,
    service: fileURLToPath(module),
    server: ours("./image-server"),
    worker: ours("../service/pool/worker"),
    capstan: ours("../index"),
    external: image.external,
    base: image.base,
    platform,
  }
}

/** Writes the folder, and says what a person would wonder about. */
export async function written(
  source: ImageSource,
  folder: string,
): ReturnType<typeof writeImageFolder> {
  try {
    const result = await failing(() => writeImageFolder(source, folder))
    for (const { name, version } of result.packages) {
      say(`${name} ${version} has compiled code: installed for ${source.platform}`)
    }
    return result
  } catch (error) {
    if (!(error instanceof BundleError)) throw error
    throw new Failure(
      1,
      "The service can't be bundled.",
      `${error.message}\nA package that can't be bundled is installed whole with --external NAME.`,
    )
  }
}

async function chosenBuilder(wanted: Builder | undefined): Promise<Builder> {
  const found = await findBuilder(wanted === undefined ? builders : [wanted])
  if (found !== undefined) return found
  throw new Failure(
    1,
    wanted === undefined
      ? "None of docker, podman and buildah works here."
      : `${wanted} does not work here.`,
    "Install one of them, or start docker's daemon. capstan image … --eject FOLDER needs none: it writes what an image is built from.",
  )
}
