/** Puts a bench's table into docs/benchmarks.md, between the marks that it has there. */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./harness.ts"

/**
 * @param how on what it was measured, and how often.
 * @param text Markdown.
 * @throws {Error} when the document has no marks for it.
 */
export function document(name: string, how: string, text: string): void {
  const path = join(root, "docs/benchmarks.md")
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`]
  const whole = readFileSync(path, "utf8")
  const [from, to] = [whole.indexOf(begin), whole.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`docs/benchmarks.md has no ${begin} … ${end}.`)
  const parts = [whole.slice(0, from), begin, "\n", how, "\n\n", text, "\n", whole.slice(to)]
  writeFileSync(path, parts.join(""))
}
