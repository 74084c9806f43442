/**
 * `npm ci` works on every platform, from every registry. npm leaves packages out of the lock file
 * that a registry does not have, other platforms' binaries above all, and then refuses the file on
 * the next machine; so each package that another names has to be in it.
 */
import assert from "node:assert/strict"
import { test } from "node:test"
import { read } from "../support/repository.ts"

interface Locked {
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
type Packages = Readonly<Record<string, Locked>>

/** What the file leaves out, as `who needs what`. */
function missing(packages: Packages): string[] {
  return Object.entries(packages).flatMap(([path, locked]) =>
    Object.keys({
      ...locked.dependencies,
      ...locked.devDependencies,
      ...locked.optionalDependencies,
    })
      .filter((name) => !isFound(packages, path, name))
      .map((name) => `${path || "."} needs ${name}`),
  )
}

/** As Node looks for it: in the folder's own node_modules, then further and further out. */
function isFound(packages: Packages, path: string, name: string): boolean {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/")))) {
    if (`${folder}${folder === "" ? "" : "/"}node_modules/${name}` in packages) return true
    if (folder === "") return false
  }
}

const lock: { readonly packages: Packages } = JSON.parse(read("package-lock.json"))
const manifest = JSON.parse(read("package.json"))

test("the lock file is that of package.json, and leaves no package out", () => {
  const own = lock.packages[""]
  assert.deepEqual(own?.dependencies, manifest.dependencies)
  assert.deepEqual(own?.devDependencies, manifest.devDependencies)
  assert.deepEqual(missing(lock.packages), [])
})

test("the lock file has a checksum for every package, and names no registry", () => {
  for (const [path, { version, integrity, resolved }] of Object.entries(lock.packages)) {
    if (path === "") continue
    assert.ok(version !== undefined && integrity !== undefined, path)
    assert.equal(resolved, undefined, path)
  }
})

test("this guard fires", () => {
  const packages = {
    "": { dependencies: { a: "1" } },
    "node_modules/a": { optionalDependencies: { "@b/linux": "1", "@b/darwin": "1" } },
    "node_modules/a/node_modules/@b/linux": { dependencies: { c: "1" } },
    "node_modules/c": {},
  }
  assert.deepEqual(missing(packages), ["node_modules/a needs @b/darwin"])
})
