/** The documents that the documentation's tests hold to their word. */
import { files } from "./repository.ts"

export const documents: readonly string[] = [
  ...files("*.md", "docs/**/*.md", "examples/**/*.md", "bench/**/*.md"),
]

/**
 * Those whose services need packages of their own: `npm run test:recipes` holds them to their word.
 */
export const withOwnPackages: readonly string[] = [
  "docs/recipes.md",
  "examples/inference/README.md",
]
