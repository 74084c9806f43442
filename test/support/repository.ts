/** The repository as files: where it is and what is in it. */
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** The repository's root, with a slash at its end. */
export const root = fileURLToPath(new URL("../../", import.meta.url))

/** The files that a glob names, relative to the root, sorted. Nothing installed or built is among them. */
export function files(...patterns: string[]): string[] {
  return globSync(patterns, {
    cwd: root,
    exclude: (name) => name === "node_modules" || name === "dist",
  }).toSorted()
}

export function read(file: string): string {
  return readFileSync(`${root}${file}`, "utf8")
}
