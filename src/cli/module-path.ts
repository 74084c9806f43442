/** Turns what was typed as MODULE into the module's URL, or into a sentence that helps. */
import { readdirSync, statSync } from "node:fs"
import { dirname, extname, join, relative, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { Failure } from "./failure.ts"

const moduleExtensions = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"]

/**
 * @param typed a path, absolute or from `folder`.
 * @throws {Failure} with exit code 2 when it names no file, or one that can't be a module.
 */
export function moduleUrl(typed: string, folder = process.cwd()): URL {
  const path = resolve(folder, typed)
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats === undefined) {
    throw new Failure(2, `There is no file ${typed}.`, suggestion(dirname(path), folder))
  }
  if (stats.isDirectory()) {
    throw new Failure(
      2,
      `${typed} is a folder; MODULE is the file in it whose default export is the service.`,
      suggestion(path, folder),
    )
  }
  if (!moduleExtensions.includes(extname(path))) {
    throw new Failure(
      2,
      `${typed} is not a module: its name ends in none of ${moduleExtensions.join(" ")}.`,
      suggestion(dirname(path), folder),
    )
  }
  return pathToFileURL(path)
}

const suggestionsMax = 5

/** The modules that do lie there, or in the nearest folder above that exists. */
function suggestion(missingFrom: string, folder: string): string | undefined {
  let place = missingFrom
  while (!statSync(place, { throwIfNoEntry: false })?.isDirectory() && place !== dirname(place)) {
    place = dirname(place)
  }
  const found = readdirSync(place)
    .filter((name) => moduleExtensions.includes(extname(name)) && !/\.(test|d)\.\w+$/.test(name))
    .map((name) => relative(folder, join(place, name)))
  if (found.length === 0) return undefined
  if (found.length === 1) return `Did you mean ${found[0]}?`
  const more = found.length > suggestionsMax ? `, and ${found.length - suggestionsMax} more` : ""
  return `Modules near it: ${found.slice(0, suggestionsMax).join(", ")}${more}.`
}
