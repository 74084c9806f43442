/** docs/dependencies.md argues for exactly the packages that package.json names. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { read } from "../support/repository.ts"

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** The packages that the tables under a heading name, one a row. */
function argued(markdown: string, heading: string): string[] {
  const [, section = ""] = markdown.split(`## ${heading}\n`)
  return Array.from(
    (section.split("\n## ")[0] ?? "").matchAll(/^\| `([^`]+)` +\|/gm),
    ([, name = ""]) => name,
  )
}

const manifest: Manifest = JSON.parse(read("package.json"))
const page = read("docs/dependencies.md")

test("every dependency is argued for, and nothing else is", () => {
  assert.deepEqual(
    argued(page, "What a user installs").toSorted(),
    Object.keys(manifest.dependencies).toSorted(),
  )
})

test("every development dependency is argued for, and nothing else is", () => {
  assert.deepEqual(
    argued(page, "What only this repository needs").toSorted(),
    Object.keys(manifest.devDependencies).toSorted(),
  )
})
