/** By what a package's code shows that it has files beside it, and where packages lie in an image. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { signsIn } from "../../src/kubernetes/image/beside.ts"
import { layout } from "../../src/kubernetes/image/install.ts"

test("only code shows that a package has files beside it: neither words nor names of its own do", async () => {
  const of = async (code: string) => await signsIn(code, "/x/index.js")
  for (const code of [
    "// reads __dirname, require.resolve('x') and new URL('x', import.meta.url)",
    'const __dirname = "mine"; console.log(__dirname)',
    "const f = (require) => require(name)",
    'require("x"); import("y"); import(`z`)',
    'new Worker("work()", { eval: true })',
    "class A { import(x) {} fork(x) {} }",
    'const doc = ["import(name)", "require(name)"]',
  ]) {
    assert.deepEqual(await of(code), { beside: undefined, computes: false }, code)
  }
  for (const [code, called] of [
    ["read(__dirname)", "__dirname"],
    ["new Worker(path)", "new Worker()"],
    ['locate("highs.wasm")', "a .wasm file"],
    ['import { fork } from "child_process"; fork(path)', "fork()"],
  ] as const) {
    assert.equal((await of(code)).beside, called, code)
  }
  for (const code of ["require(name)", 'require("./" + name)', "import(name)"]) {
    assert.equal((await of(code)).computes, true, code)
  }
})

test("packages lie flat where their name is free, and below who needs them where it is not", () => {
  const at = (name: string, version: string) => ({ name, version, folder: `${name}@${version}` })
  const needs: Readonly<Record<string, readonly ReturnType<typeof at>[]>> = {
    "a@1": [at("b", "1"), at("c", "1"), at("there", "1")],
    "d@1": [at("b", "2"), at("c", "1"), at("there", "2")],
    "b@2": [at("c", "2"), at("d", "1")],
  }
  const placed = layout(
    [at("a", "1"), at("d", "1")],
    (folder) => needs[folder] ?? [],
    (path) => (path === "node_modules/there" ? "1" : undefined),
  )
  assert.deepEqual(Object.fromEntries(placed), {
    "node_modules/a": "a@1",
    "node_modules/d": "d@1",
    "node_modules/b": "b@1",
    "node_modules/c": "c@1",
    "node_modules/d/node_modules/b": "b@2",
    "node_modules/d/node_modules/there": "there@2",
    "node_modules/d/node_modules/b/node_modules/c": "c@2",
  })
})
