/** `capstan image MODULE`: from a module to a container image. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import {
  type Builder,
  BuilderError,
  builders,
  buildImage,
  findBuilder,
  pushImage,
} from "../kubernetes/image/builder.ts"
import { BundleError } from "../kubernetes/image/bundle.ts"
import { type ImageSource, isForeign, writeImageFolder } from "../kubernetes/image/folder.ts"
import type { Platform } from "../kubernetes/image/native.ts"
import { labelValue, nameOf } from "../kubernetes/name.ts"
import { loadService } from "../service/module.ts"
import type { Service } from "../service/service.ts"
import { Failure } from "./failure.ts"
import { asFailure, loadFailure } from "./load-failure.ts"
import { moduleUrl } from "./module-path.ts"

export interface ImageFlags {
  readonly tag?: string
  readonly push?: true
  readonly base: string
  readonly platform: Platform
  readonly builder?: Builder
  readonly external?: readonly string[]
  readonly eject?: string
}

/**
 * Prints the image's id, or its name by digest once it is pushed, on standard output; the rest on
 * standard error.
 */
export async function image(typed: string, flags: ImageFlags): Promise<void> {
  const module = moduleUrl(typed)
  const service = await loadService(module).catch((error: unknown) => {
    throw asFailure(loadFailure(error, module), typed)
  })
  const source = imageSource(module, service, flags)
  if (flags.eject !== undefined) {
    await eject(source, flags.eject)
    return
  }
  const tag = flags.tag ?? `${source.name}:${labelValue(service.version) || "latest"}`
  const builder = await chosenBuilder(flags.builder)
  const folder = mkdtempSync(join(tmpdir(), "capstan-image-"))
  try {
    await written(source, folder)
    say(`${builder} builds ${tag} for ${flags.platform}`)
    const id = await buildImage({ builder, folder, tag, platform: flags.platform })
    if (flags.push !== true) {
      process.stdout.write(`${id}\n`)
      return
    }
    say(`${builder} pushes it`)
    process.stdout.write(`${await pushImage(builder, tag)}\n`)
  } catch (error) {
    throw error instanceof BuilderError ? new Failure(1, error.message, error.output) : error
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** `.ts` when this runs from source. */
const extension = import.meta.url.slice(import.meta.url.lastIndexOf("."))
const ours = (path: string): string => fileURLToPath(new URL(path + extension, import.meta.url))

function imageSource(module: URL, service: Service, flags: ImageFlags): ImageSource {
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
    external: flags.external ?? [],
    base: flags.base,
    platform: flags.platform,
  }
}

async function eject(source: ImageSource, typed: string): Promise<void> {
  const folder = resolve(typed)
  if (isForeign(folder)) {
    throw new Failure(
      2,
      `${typed}/app is there and is not of an image that Capstan has made.`,
      "Name another folder: app/ in it would be replaced.",
    )
  }
  const { keptDockerfile } = await written(source, folder)
  say(
    keptDockerfile
      ? `${typed}/app is new; the Dockerfile there is yours and was left as it is.`
      : `${typed} has a Dockerfile to read and change, and app/ to go into the image.`,
  )
  say(`build it with:  docker build ${typed}`)
}

async function written(source: ImageSource, folder: string): ReturnType<typeof writeImageFolder> {
  try {
    const result = await writeImageFolder(source, folder)
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
    "Install one of them, or start docker's daemon. --eject FOLDER needs none: it writes what an image is built from.",
  )
}

function say(text: string): void {
  process.stderr.write(`capstan: ${text}\n`)
}
