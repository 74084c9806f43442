/**
 * Refuses to publish what npm would refuse at the very end, or what nobody could look up: npm runs it
 * by `prepublishOnly`, in front of all else.
 */
import { readFileSync } from "node:fs"

interface Manifest {
  readonly version: string
  readonly repository?: { readonly url?: string }
}

/** Why this can't be published, in sentences. */
export function obstacles({ version, repository }: Manifest, changelog: string): readonly string[] {
  const isInChangelog = changelog.split("\n").some((line) => line.split(" ")[1] === version)
  return [
    ...(repository?.url === undefined
      ? [
          "package.json has no repository.url. Provenance says from which repository a package was made, and npm compares the two: set it to that of the repository whose pipeline publishes.",
        ]
      : []),
    ...(isInChangelog
      ? []
      : [
          `CHANGELOG.md has no heading for ${version}: move what is under Unreleased to one of its own.`,
        ]),
  ]
}

if (import.meta.main) {
  const text = (file: string): string =>
    readFileSync(new URL(`../${file}`, import.meta.url), "utf8")
  const found = obstacles(JSON.parse(text("package.json")), text("CHANGELOG.md"))
  for (const obstacle of found) console.error(obstacle)
  process.exitCode = found.length === 0 ? 0 : 1
}
