/** The documents that the documentation's tests hold to their word. */
import { files } from "./repository.ts"

export const documents: readonly string[] = [
  ...files("*.md", "docs/**/*.md", "examples/**/*.md", "bench/**/*.md"),
]
