/** docs/architecture.md speaks of files that exist, and leaves out no room. */
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { posix } from "node:path"
import { test } from "node:test"
import { files, read, root } from "../support/repository.ts"

const page = read("docs/architecture.md")
const named = new Set(
  Array.from(
    page.matchAll(/`((?:src|test|scripts|examples|bench|templates)\/[^`*]*)`/g),
    ([, path = ""]) => path,
  ),
)

test("every file and folder that the architecture names is there", () => {
  assert.ok(named.size > 15, `${named.size} paths found`)
  assert.deepEqual(
    [...named].filter((path) => !existsSync(root + path)),
    [],
  )
})

test("the architecture names every room of the source", () => {
  const rooms = new Set(files("src/*/**/*.ts").map((file) => `${posix.dirname(file)}/`))
  assert.deepEqual(
    [...rooms].filter((room) => !named.has(room)),
    [],
  )
})
