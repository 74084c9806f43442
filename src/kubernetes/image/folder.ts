/**
 * The folder that an image is built from, for one platform: `Dockerfile`, `.dockerignore`, and `app/`
 * with the bundle and what is installed beside it. There is nothing else in it, so no source, no development
 * dependency and no secret can get into the image.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { writeBill } from "./bill.ts"
import { type BundleSource, bundle, bundleMark } from "./bundle.ts"
import { type DockerfileFacts, dockerfile, dockerignore } from "./dockerfile.ts"
import { type Installed, install } from "./install.ts"
import type { Platform } from "./native.ts"
import type { Workplace } from "./run.ts"

export interface ImageSource extends BundleSource {
  readonly title: string
  readonly description: string | undefined
  readonly base: DockerfileFacts["base"]
  readonly platform: Platform
}

/** With the notes of all that is in it. */
export interface WrittenFolder extends Installed {
  /** Whether a Dockerfile was there already, and was left as it is. */
  readonly keptDockerfile: boolean
}

/**
 * Writes the folder. A `Dockerfile` or `.dockerignore` that is there stays: somebody has made it
 * their own. `app/` is written anew, and stays as it was until the new one is whole.
 * @throws {BundleError} when the service can't be bundled.
 * @throws {PackageError} when a package can't be had as the project has it.
 */
export async function writeImageFolder(
  source: ImageSource,
  folder: string,
  place: Workplace,
): Promise<WrittenFolder> {
  const begun = join(folder, ".app-begun")
  rmSync(begun, { recursive: true, force: true })
  mkdirSync(begun, { recursive: true })
  const written = await writeApp(source, begun, place).catch((error: unknown) => {
    rmSync(begun, { recursive: true, force: true })
    throw error
  })
  const app = join(folder, "app")
  rmSync(app, { recursive: true, force: true })
  renameSync(begun, app)
  const keptDockerfile = existsSync(join(folder, "Dockerfile"))
  if (!keptDockerfile) writeFileSync(join(folder, "Dockerfile"), dockerfile(source))
  const ignore = join(folder, ".dockerignore")
  if (!existsSync(ignore)) writeFileSync(ignore, dockerignore)
  return { ...written, keptDockerfile }
}

async function writeApp(
  source: ImageSource,
  folder: string,
  place: Workplace,
): Promise<Omit<WrittenFolder, "keptDockerfile">> {
  const { packages, modules, notes } = await bundle(source, folder)
  place.signal.throwIfAborted()
  const { external, platform, project } = source
  const installed = await install(packages, external, folder, { project, platform, ...place })
  writeBill(source, modules, folder)
  makeSteady(folder)
  return { ...installed, notes: [...notes, ...installed.notes] }
}

/** Whether something lies where `app/` goes that we have not written: many a project has an app/. */
export function isForeign(folder: string): boolean {
  if (!existsSync(join(folder, "app"))) return false
  const server = join(folder, "app", "server.js")
  return !existsSync(server) || !readFileSync(server, "utf8").startsWith(bundleMark)
}

/**
 * A layer holds the times and the modes of its files: the same files are the same layer only with the
 * same of both. Modes come from the umask of whoever builds, and under a strict one the process could
 * not read its own bundle, which is root's.
 */
function makeSteady(folder: string): void {
  const paths = readdirSync(folder, { recursive: true }).map((path) => join(folder, String(path)))
  for (const path of [folder, ...paths]) {
    const stats = lstatSync(path)
    const isRun = stats.isDirectory() || (stats.mode & 0o100) !== 0
    if (!stats.isSymbolicLink()) chmodSync(path, isRun ? 0o755 : 0o644)
    lutimesSync(path, 0, 0)
  }
}
