/**
 * The folder that an image is built from: `Dockerfile`, `.dockerignore`, and `app/` with the bundle
 * and what is installed beside it. There is nothing else in it, so no source, no development
 * dependency and no secret can get into the image.
 */
import { existsSync, globSync, lutimesSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type BundleSource, bundle } from "./bundle.ts"
import { type DockerfileFacts, dockerfile, dockerignore } from "./dockerfile.ts"
import { install, type NativePackage, type Platform } from "./native.ts"

export interface ImageSource extends BundleSource {
  readonly title: string
  readonly description: string | undefined
  readonly base: DockerfileFacts["base"]
  readonly platform: Platform
}

export interface WrittenFolder {
  /** Installed for the image's platform. */
  readonly packages: readonly NativePackage[]
  /** Whether a Dockerfile was there already, and was left as it is. */
  readonly keptDockerfile: boolean
}

/**
 * Writes the folder. A `Dockerfile` or `.dockerignore` that is there stays: somebody has made it
 * their own. `app/` is written anew.
 * @throws {BundleError} when the service can't be bundled.
 */
export async function writeImageFolder(
  source: ImageSource,
  folder: string,
): Promise<WrittenFolder> {
  const app = join(folder, "app")
  rmSync(app, { recursive: true, force: true })
  mkdirSync(app, { recursive: true })
  const { packages } = await bundle(source, app)
  if (packages.length > 0) await install(packages, source.platform, app)
  forgetTimes(app)
  const keptDockerfile = existsSync(join(folder, "Dockerfile"))
  if (!keptDockerfile) writeFileSync(join(folder, "Dockerfile"), dockerfile(source))
  const ignore = join(folder, ".dockerignore")
  if (!existsSync(ignore)) writeFileSync(ignore, dockerignore)
  return { packages, keptDockerfile }
}

/** Whether something lies where `app/` goes that we have not written. */
export function isForeign(folder: string): boolean {
  return existsSync(join(folder, "app")) && !existsSync(join(folder, "app", "server.js"))
}

/** A layer holds the times of its files: the same files are the same layer only without them. */
function forgetTimes(folder: string): void {
  for (const path of globSync("**", { cwd: folder })) lutimesSync(join(folder, path), 0, 0)
}
