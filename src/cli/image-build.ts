/** From a module to an image in the builder's store: bundled, written into a folder, built. */
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
import type { InstalledPackage, Platform } from "../kubernetes/image/native.ts"
import { ProgramError, type Workplace } from "../kubernetes/image/run.ts"
import { labelValue, nameOf } from "../kubernetes/name.ts"
import type { Described } from "./deployment-flags.ts"
import { Failure } from "./failure.ts"
import { say } from "./say.ts"

export const ownPlatform: Platform = process.arch === "arm64" ? "linux/arm64" : "linux/amd64"

/**
 * @throws {Failure} when no builder works, or it or the bundler fails.
 */
export async function build(
  described: Described,
  platforms: readonly Platform[],
  place: Workplace,
): Promise<Built> {
  const { service, image } = described
  const tag = image.tag ?? `${nameOf(service.title)}:${labelValue(service.version) || "latest"}`
  const builder = await chosenBuilder(image.builder, place.signal)
  const folders = new Map<Platform, string>()
  for (const platform of platforms) {
    const own = join(place.folder, platform.replace("/", "-"))
    await written(imageSource(described, platform), own, place.signal)
    folders.set(platform, own)
  }
  say(`${builder} builds ${tag} for ${platforms.join(" and ")}`)
  return await failing(() => buildImage({ builder, tag, format: image.format, folders }, place))
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
  signal: AbortSignal,
): ReturnType<typeof writeImageFolder> {
  try {
    const result = await failing(() => writeImageFolder(source, folder, signal))
    for (const each of result.packages) say(inWords(each, source.platform))
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

function inWords(
  { name, version, isCompiled, hasBinary }: InstalledPackage,
  platform: Platform,
): string {
  if (!isCompiled) return `${name} ${version} is installed whole`
  return hasBinary
    ? `${name} ${version} has compiled code: installed for ${platform}`
    : `${name} ${version} is compiled where it is installed, which is not done for an image: it is there without its compiled code. Where the service needs that, take a package that carries its binaries, or compile it in a Dockerfile of yours: --eject`
}

async function chosenBuilder(wanted: Builder | undefined, signal: AbortSignal): Promise<Builder> {
  const found = await findBuilder(signal, wanted === undefined ? builders : [wanted])
  if (found !== undefined) return found
  throw new Failure(
    1,
    wanted === undefined
      ? "None of docker, podman and buildah works here."
      : `${wanted} does not work here.`,
    "Install one of them, or start docker's daemon. capstan image … --eject FOLDER needs none: it writes what an image is built from.",
  )
}
