/**
 * Packages of the project itself, which node_modules has by a link: those of a workspace, and what
 * `file:` and `link:` name. A folder of the project has more in it than a package, so they are copied
 * as they would be published.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { isNeverMeant } from "./ignored.ts"
import { isOfCompiler, manifestIn } from "./package-folder.ts"
import { must } from "./run.ts"

/**
 * Copies such a package. What of it would be published is npm's to say, where it says anything of that
 * itself (`files`, .npmignore). Otherwise npm goes by what git ignores, which for a package that is
 * never published may be all that was built of it; so then all of it is copied.
 * @throws {ProgramError} with what npm said.
 */
export async function copyLinked(from: string, to: string, signal: AbortSignal): Promise<void> {
  const { name, version, files } = manifestIn(from)
  const saysItself = files !== undefined || existsSync(join(from, ".npmignore"))
  // npm packs nothing without a version, not even to tell what that would be.
  if (!saysItself || name === undefined || version === undefined) {
    const filter = (file: string): boolean =>
      file === from || !(isNeverMeant(basename(file)) || isOfCompiler(file.slice(from.length)))
    cpSync(from, to, { recursive: true, dereference: true, filter })
    return
  }
  const args = [
    "pack",
    "--dry-run",
    "--json",
    "--ignore-scripts",
    "--no-global",
    "--loglevel=error",
  ]
  const env = { npm_config_workspace: undefined, npm_config_workspaces: undefined }
  const packed = JSON.parse(await must("npm", args, { signal, cwd: from, env })) as Packed
  for (const { path } of Object.values(packed).flatMap((each) => each.files)) {
    if (path.split("/").some(isNeverMeant) || isOfCompiler(path)) continue
    mkdirSync(dirname(join(to, path)), { recursive: true })
    copyFileSync(join(from, path), join(to, path))
  }
}

/** As npm prints it: a list, or by name. */
type Packed = Readonly<Record<string, { readonly files: readonly { readonly path: string }[] }>>
