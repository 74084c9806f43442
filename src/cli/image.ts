/** `capstan image MODULE`: from a module to a container image. */
import { resolve } from "node:path"
import type { Built } from "../kubernetes/image/builder.ts"
import type { ImageSource } from "../kubernetes/image/folder.ts"
import { isForeign } from "../kubernetes/image/folder.ts"
import { pushImage } from "../kubernetes/image/transport.ts"
import { describe, type Given } from "./deployment-flags.ts"
import { Failure } from "./failure.ts"
import { build, failing, imageSource, ownPlatform, written } from "./image-build.ts"
import { say } from "./say.ts"

export interface ImageFlags {
  readonly push?: true
  readonly eject?: string
}

/**
 * Prints the image's id, or its name by digest once it is pushed, on standard output; the rest on
 * standard error.
 */
export async function image(typed: string, given: Given, flags: ImageFlags): Promise<void> {
  const described = await describe(typed, given)
  const named = described.image.platform
  const platforms = named.length === 0 ? [ownPlatform] : [...new Set(named)]
  if (flags.eject !== undefined) {
    if (flags.push)
      throw new Failure(2, "--push has no meaning with --eject, which builds nothing.")
    const [platform = ownPlatform, ...more] = platforms
    if (more.length > 0) {
      throw new Failure(
        2,
        `--eject writes what an image of one platform is built from, and ${platforms.join(", ")} are ${platforms.length}.`,
        "Name one with --platform; packages with compiled code are of that one.",
      )
    }
    await eject(imageSource(described, platform), flags.eject)
    return
  }
  const built = await build(described, platforms)
  if (flags.push !== true) {
    for (const line of ids(built)) process.stdout.write(`${line}\n`)
    return
  }
  say(`${built.builder} pushes it`)
  process.stdout.write(`${await failing(() => pushImage(built))}\n`)
}

function ids({ parts }: Built): readonly string[] {
  return parts.length === 1
    ? parts.map(({ id }) => id)
    : parts.map(({ platform, id }) => `${platform} ${id}`)
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
