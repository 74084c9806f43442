/**
 * The TypeScript of the documentation as files. A block whose first line is a comment with a file
 * name (`// resize.ts`) is that file; the blocks of a document are one folder, so that they can
 * import each other.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Fence } from "./markdown.ts"
import { root } from "./repository.ts"

/** A folder that goes away by itself. It is inside the repository, or `capstan` would not resolve. */
export function snippetFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(`${root}.snippets-`)
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export function isTypeScript({ language }: Fence): boolean {
  return language === "ts" || language === "typescript"
}

/** Writes a block of `document` into the folder and says where. */
export function writeSnippet(folder: string, document: string, fence: Fence): string {
  const name = /^\/\/ (\S+\.ts)\n/.exec(fence.text)?.[1] ?? `line-${fence.line}.ts`
  const file = join(folder, document.replaceAll(/[^a-zA-Z0-9]+/g, "-"), name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${fence.text}\n`)
  return file
}
