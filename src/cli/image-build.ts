/** From a module to an image in the builder's store: bundled, written into a folder, built. */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { programUrl } from "../core/program.ts"
import { nodeIn, nodeMajorMin } from "../kubernetes/image/base.ts"
import {
  type Builder,
  type Built,
  builders,
  buildImage,
  findBuilder,
} from "../kubernetes/image/builder.ts"
import { BundleError } from "../kubernetes/image/bundle.ts"
import { type ImageSource, writeImageFolder } from "../kubernetes/image/folder.ts"
import type { InstalledPackage } from "../kubernetes/image/install.ts"
import { PackageError } from "../kubernetes/image/lockfile.ts"
import { namedFiles, projectOf } from "../kubernetes/image/named-files.ts"
import type { Platform } from "../kubernetes/image/native.ts"
import { imageTable } from "../kubernetes/image/options.ts"
import { ProgramError, type Workplace } from "../kubernetes/image/run.ts"
import { megabytes, type PackageSize } from "../kubernetes/image/sizes.ts"
import type { DeploymentOptions } from "../kubernetes/manifests/options.ts"
import { textsIn } from "../kubernetes/manifests/variables.ts"
import { labelValue, nameOf } from "../kubernetes/name.ts"
import { OptionError } from "../kubernetes/option.ts"
import type { Described } from "./deployment-flags.ts"
import { Failure } from "./failure.ts"
import { tryBundle } from "./image-trial.ts"
import { say } from "./say.ts"
import { temporaryFolder } from "./temporary-folder.ts"
import { understood } from "./understood.ts"

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
    await checked(described, platform, own, place.signal)
    folders.set(platform, own)
  }
  say(`${builder} builds ${tag} for ${platforms.join(" and ")}`)
  const built = await failing(() =>
    buildImage({ builder, tag, format: image.format, folders }, place),
  )
  // Capstan's own base is known to do.
  if (described.check && image.base !== imageTable.base.default) {
    await baseChecked(image.base, built, place.signal)
  }
  return built
}

/** @throws {Failure} when an image has no Node, or one that is too old. */
export async function baseChecked(base: string, built: Built, signal: AbortSignal): Promise<void> {
  const advice = `Take another base with --base or image.base: ${imageTable.base.default}, or one into which you have put Node ${nodeMajorMin} or later, as \`node\` in PATH.`
  for (const { platform, id } of built.parts) {
    const found = await nodeIn(built.builder, id, platform === ownPlatform, signal)
    switch (found.kind) {
      case "good":
        say(`the base ${base} has Node ${found.version}`)
        break
      case "unknown":
        say(
          `whether the base ${base} has Node ${nodeMajorMin} or later could not be seen: ${built.builder} can't run the image for ${platform} here, and its variables name no NODE_VERSION`,
        )
        break
      case "old":
        throw new Failure(
          1,
          `The base ${base} has Node ${found.version}, and the service needs Node ${nodeMajorMin} or later.`,
          advice,
        )
      case "none":
        throw new Failure(
          1,
          `The base ${base} can't start Node: \`node --version\` fails in the image.`,
          `${found.said}\n${advice}`,
        )
      default:
        found satisfies never
    }
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

/**
 * Starts what has been written, where this machine can.
 * @throws {Failure} when it does not start.
 */
export async function checked(
  described: Described,
  platform: Platform,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const { service, deployment, check } = described
  if (!check) return
  const here = `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`
  if (here !== platform) {
    say(
      `the bundle for ${platform} was not started to see whether it runs: this machine is ${here}`,
    )
    return
  }
  const trial = { service, env: textsIn(deployment.env), lacks: lackedHere(deployment), signal }
  say(await tryBundle(join(folder, "app"), trial))
}

/** What only the cluster has, but for variables that are set in the shell; a sentence each. */
function lackedHere({ env, envFrom, volumes }: DeploymentOptions): readonly string[] {
  const variables = [
    ...Object.entries(env).flatMap(([name, value]) => {
      if (typeof value === "string" || process.env[name] !== undefined) return []
      const kept = "secret" in value ? `secret ${value.secret}` : `config map ${value.configmap}`
      return [`${name} (of the ${kept})`]
    }),
    ...envFrom.map(({ kind, name }) => `the variables of ${kind}/${name}`),
  ]
  const paths = volumes.map(({ path }) => path).filter((path) => path !== "/tmp")
  return [
    ...(variables.length === 0
      ? []
      : [
          `It was started without ${variables.join(", ")}, which the cluster has: what it needs of them can be set in your shell for this start.`,
        ]),
    ...(paths.length === 0
      ? []
      : [`It was started without what is mounted at ${paths.join(", ")} on the cluster.`]),
  ]
}

const ours = (path: string): string => fileURLToPath(programUrl(path, import.meta.url))

export function imageSource(
  { module, service, image }: Described,
  platform: Platform,
): ImageSource {
  const { title, version, description } = service
  const path = fileURLToPath(module)
  const project = projectOf(path)
  return {
    name: nameOf(title),
    title,
    version,
    description,
    service: path,
    project,
    files: understood(() => namedFiles(image.files, project)),
    server: ours("./image-server"),
    worker: ours("../service/pool/worker"),
    lifeline: ours("../service/pool/lifeline"),
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
    // Beside what an image is built from: what is fetched for it comes with credentials.
    using beside = temporaryFolder()
    const place = { folder: beside.path, signal }
    const result = await failing(() => writeImageFolder(source, folder, place))
    for (const each of result.packages) say(inWords(each, source.platform))
    for (const note of result.notes) say(note)
    for (const line of sizesInWords(result.sizes)) say(line)
    return result
  } catch (error) {
    if (error instanceof OptionError) throw new Failure(2, error.message)
    if (error instanceof PackageError) throw new Failure(1, error.message, error.advice)
    if (!(error instanceof BundleError)) throw error
    throw new Failure(
      1,
      "The service can't be bundled.",
      `${error.message}\nA package that can't be bundled is installed whole with --external NAME.`,
    )
  }
}

function inWords(
  { name, version, why, isCompiled, hasBinary, apart }: InstalledPackage,
  platform: Platform,
): string {
  // Packages of a workspace need have none.
  const said = [name, version].filter(Boolean).join(" ")
  if (!isCompiled) return `${said} ${why}: it comes whole`
  if (apart !== undefined) {
    return hasBinary
      ? `${said} has compiled code and ${apart}: copied as it is here`
      : `${said} ${apart}: copied as it is here, where it has no compiled code for ${platform}. Where the service needs that, compile it on such a machine, or in a Dockerfile of yours: --eject`
  }
  return hasBinary
    ? `${said} has compiled code: installed for ${platform}`
    : `${said} is compiled where it is installed, which is not done for an image: it is there without its compiled code. Where the service needs that, take a package that carries its binaries, or compile it in a Dockerfile of yours: --eject`
}

/** The largest are told by name. */
const sizesMax = 10

function sizesInWords(sizes: readonly PackageSize[]): readonly string[] {
  if (sizes.length === 0) return []
  const bytes = (of: readonly { readonly bytes: number }[]): number =>
    of.reduce((sum, each) => sum + each.bytes, 0)
  const named = sizes.slice(0, sizesMax).map((each) => {
    const idle = each.idle.map(({ what, bytes: of }) => `${megabytes(of)} ${what}`).join(", ")
    return `  ${each.name} ${each.version}: ${megabytes(each.bytes)}${idle && ` (could stay out: ${idle})`}`
  })
  const leftOut = sizes.filter(({ leftOutBytes }) => leftOutBytes > 0)
  const others = leftOut.map((each) => `${each.name} (${megabytes(each.leftOutBytes)})`).join(", ")
  const rest = sizes.slice(sizesMax)
  return [
    `packages beside the bundle: ${sizes.length}, ${megabytes(bytes(sizes))}`,
    ...named,
    ...(rest.length === 0 ? [] : [`  ${rest.length} more: ${megabytes(bytes(rest))}`]),
    ...(others === "" ? [] : [`left out, binaries for other platforms: ${others}`]),
  ]
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
