/** Files that go into the image because they are named, by patterns from the project's folder. */
import { existsSync, globSync, statSync } from "node:fs"
import { dirname, isAbsolute, join, sep } from "node:path"
import { OptionError } from "../option.ts"

/** The folder of the project that a module belongs to: the nearest with a package.json. */
export function projectOf(module: string): string {
  const own = dirname(module)
  for (let folder = own; folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder
  }
  return own
}

/**
 * The files that patterns name; a folder stands for all that is in it. Nothing is left out because
 * git ignores it: who names it means it.
 * @throws {OptionError} when a pattern names nothing, or something outside the project.
 */
export function namedFiles(patterns: readonly string[], project: string): readonly string[] {
  const all = patterns.flatMap((pattern) => {
    if (isAbsolute(pattern) || pattern.split(/[\\/]/).includes("..")) {
      throw new OptionError(
        `files has ${pattern}; it must be in the project, and be written from its folder, ${project}.`,
      )
    }
    const found = globSync([pattern, join(pattern, "**")], {
      cwd: project,
      exclude: (path) =>
        !pattern.includes("node_modules") && /(?:^|[\\/])(?:node_modules|\.git)$/.test(path),
    })
      .map((path) => join(project, path))
      .filter(
        (path) =>
          path.startsWith(project + sep) && statSync(path, { throwIfNoEntry: false })?.isFile(),
      )
    if (found.length === 0) {
      throw new OptionError(
        `files has ${pattern}, and there is no such file in ${project}. Patterns are like models/*.bin or assets/**.`,
      )
    }
    return found
  })
  return [...new Set(all)].toSorted()
}
