/** What is installed with Capstan may be used by whoever uses Capstan, by what its packages say. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { read } from "../support/repository.ts"

interface Locked {
  readonly license?: string
  readonly dev?: boolean
}
type Packages = Readonly<Record<string, Locked>>

/** The licences that docs/dependencies.md allows, by their SPDX identifiers. */
function allowed(markdown: string): readonly string[] {
  const [, section = ""] = markdown.split("## Licences\n")
  return Array.from(
    (section.split("\n## ")[0] ?? "").matchAll(/^- `([^`]+)`/gm),
    ([, licence = ""]) => licence,
  )
}

/** Those that are installed for users and have no such licence, optional ones included. */
function others(packages: Packages, licences: readonly string[]): readonly string[] {
  return Object.entries(packages)
    .filter(([path, { dev }]) => path !== "" && dev !== true)
    .filter(([, { license }]) => license === undefined || !licences.includes(license))
    .map(([path, { license }]) => `${path}: ${license ?? "none"}`)
}

const lock: { readonly packages: Packages } = JSON.parse(read("package-lock.json"))
const licences = allowed(read("docs/dependencies.md"))

test("every package that is installed with Capstan has a licence that is on the list", () => {
  assert.deepEqual(others(lock.packages, licences), [])
})

test("the list allows no licence that no package has", () => {
  const there = Object.values(lock.packages).flatMap(({ dev, license }) => (dev ? [] : license))
  assert.deepEqual(
    licences.filter((licence) => !there.includes(licence)),
    [],
  )
})

test("this guard fires", () => {
  assert.deepEqual(allowed("## Licences\n\n- `MIT`\n- `ISC`: short\n\n## More\n- `GPL-3.0`"), [
    "MIT",
    "ISC",
  ])
  const packages = {
    "": { license: "UNLICENSED" },
    "node_modules/a": { license: "MIT" },
    "node_modules/b": { license: "GPL-3.0-only" },
    "node_modules/b/node_modules/c": {},
    "node_modules/d": { license: "MIT OR GPL-3.0-only" },
    "node_modules/e": { dev: true },
  }
  assert.deepEqual(others(packages, ["MIT"]), [
    "node_modules/b: GPL-3.0-only",
    "node_modules/b/node_modules/c: none",
    "node_modules/d: MIT OR GPL-3.0-only",
  ])
})
