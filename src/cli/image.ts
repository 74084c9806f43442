/** `capstan image MODULE`: from a module to a container image. */
import { resolve } from "node:path"
import type { Built } from "../kubernetes/image/builder.ts"
import { isForeign } from "../kubernetes/image/folder.ts"
import type { Platform } from "../kubernetes/image/native.ts"
import { pushImage } from "../kubernetes/image/transport.ts"
import { type Described, describe, type Given } from "./deployment-flags.ts"
import { Failure } from "./failure.ts"
import { build, checked, failing, imageSource, ownPlatform, written } from "./image-build.ts"
import { interruptible } from "./interruption.ts"
import { print } from "./print.ts"
import { say } from "./say.ts"
import { temporaryFolder } from "./temporary-folder.ts"

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
    const { eject: folder } = flags
    await interruptible(
      (signal) => eject(described, platform, folder, signal),
      () => "Nothing that it has started is left; the same command begins anew.",
    )
    return
  }
  const lines = await interruptible(
    (signal) => built(described, platforms, flags, signal),
    () => "Nothing is left of it but what the builder has stored; the same command begins anew.",
  )
  for (const line of lines) print(`${line}\n`)
}

/** What it is called now. */
async function built(
  described: Described,
  platforms: readonly Platform[],
  flags: ImageFlags,
  signal: AbortSignal,
): Promise<readonly string[]> {
  using folder = temporaryFolder()
  const place = { folder: folder.path, signal }
  const image = await build(described, platforms, place)
  if (flags.push !== true) return ids(image)
  say(`${image.builder} pushes it`)
  return [await failing(() => pushImage(image, place))]
}

function ids({ parts }: Built): readonly string[] {
  return parts.length === 1
    ? parts.map(({ id }) => id)
    : parts.map(({ platform, id }) => `${platform} ${id}`)
}

async function eject(
  described: Described,
  platform: Platform,
  typed: string,
  signal: AbortSignal,
): Promise<void> {
  const folder = resolve(typed)
  if (isForeign(folder)) {
    throw new Failure(
      2,
      `${typed}/app is there and is not of an image that Capstan has made.`,
      "Name another folder: app/ in it would be replaced.",
    )
  }
  const { keptDockerfile } = await written(imageSource(described, platform), folder, signal)
  say(
    keptDockerfile
      ? `${typed}/app is new; the Dockerfile there is yours and was left as it is.`
      : `${typed} has a Dockerfile to read and change, and app/ to go into the image.`,
  )
  await checked(described, platform, folder, signal)
  say(`build it with:  docker build ${typed}`)
}
