/** What the package says of itself. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** The folder of the package that is running: `src/` and `dist/` lie in it alike. */
export const packageRoot = fileURLToPath(new URL("../..", import.meta.url))

export interface PackageFacts {
  readonly version: string
  readonly description: string
}

export function packageFacts(): PackageFacts {
  return JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))
}
