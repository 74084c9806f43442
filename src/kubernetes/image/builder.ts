/**
 * Building, by whichever of docker, podman and buildah is there and works. None of them is preferred
 * for what it can do, since the Dockerfile asks for nothing; docker comes first because who has it
 * expects the image in it.
 *
 * An image for several platforms is one image for each, and an index that names them. Each has a
 * folder of its own, since packages with compiled code differ. podman and buildah keep an index as
 * they keep an image; docker has it in the registry only.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Platform } from "./native.ts"
import { must, run, type Workplace } from "./run.ts"

export const builders = ["docker", "podman", "buildah"] as const
export type Builder = (typeof builders)[number]

export const formats = ["oci", "docker"] as const
type Format = (typeof formats)[number]

/** One that takes longer to say which it is hangs. */
const answerMsMax = 20_000

/** The first builder that works, or undefined. */
export async function findBuilder(
  signal: AbortSignal,
  among: readonly Builder[] = builders,
): Promise<Builder | undefined> {
  for (const builder of among) {
    // docker's client may be there without its daemon, or with one that hangs; `version` asks both.
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)])
    const ran = await run(builder, ["version"], { signal: bounded }).catch(() => undefined)
    signal.throwIfAborted()
    if (ran?.code === 0) return builder
  }
  return undefined
}

export interface BuildOptions {
  readonly builder: Builder
  readonly tag: string
  readonly format: Format
  /** What is built from, by platform; one at least. */
  readonly folders: ReadonlyMap<Platform, string>
}

/** An image, or several under one name. */
export interface Built {
  readonly builder: Builder
  readonly tag: string
  readonly parts: readonly Part[]
}

interface Part {
  readonly platform: Platform
  readonly tag: string
  /** `sha256:…`. */
  readonly id: string
}

/** @throws {ProgramError} when the builder fails. */
export async function buildImage(options: BuildOptions, place: Workplace): Promise<Built> {
  const { builder, tag, folders } = options
  const parts: Part[] = []
  for (const [platform, folder] of folders) {
    const own = folders.size === 1 ? tag : `${withTag(tag)}-${platform.split("/")[1]}`
    const id = await buildPart(options, place, { platform, folder, tag: own })
    parts.push({ platform, tag: own, id })
  }
  if (parts.length > 1 && builder !== "docker") await makeIndex(builder, tag, parts, place)
  return { builder, tag, parts }
}

async function buildPart(
  { builder, format }: BuildOptions,
  place: Workplace,
  { platform, folder, tag }: Omit<Part, "id"> & { readonly folder: string },
): Promise<string> {
  const idFile = join(place.folder, `${platform.replace("/", "-")}.id`)
  const common = ["--tag", tag, "--platform", platform, "--iidfile", idFile]
  // A fixed time, so that the same input gives the same image. So does OCI's format alone: docker's
  // holds the names of the containers that built it. The price is HEALTHCHECK, which OCI lacks.
  const steady = ["--timestamp", "0", "--format", format]
  const args = {
    docker: ["build", ...common, folder],
    podman: ["build", ...steady, ...common, folder],
    buildah: ["build", ...steady, ...common, folder],
  }[builder]
  const env = {
    SOURCE_DATE_EPOCH: "0",
    // Docker's attestations hold the time of the build, and make an index of every image.
    BUILDX_NO_DEFAULT_ATTESTATIONS: "1",
  }
  await must(builder, args, { signal: place.signal, env })
  return readFileSync(idFile, "utf8").trim()
}

/** Under the image's name; what was called that before, an index or an image, gives it up. */
async function makeIndex(
  builder: "podman" | "buildah",
  tag: string,
  parts: readonly Part[],
  { signal }: Workplace,
): Promise<void> {
  const { code } = await run(builder, ["manifest", "rm", tag], { signal })
  if (code !== 0) await run(builder, ["rmi", tag], { signal })
  await must(builder, ["manifest", "create", tag], { signal })
  for (const part of parts) {
    // From the builder's store: a name alone may be asked of a registry, which has it not yet.
    await must(builder, ["manifest", "add", tag, `containers-storage:${part.tag}`], { signal })
  }
}

/** A name with its tag, which is `latest` when it has none. */
function withTag(name: string): string {
  return /:[^:/]+$/.test(name) ? name : `${name}:latest`
}
