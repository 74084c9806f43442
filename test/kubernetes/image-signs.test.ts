/** By what a package's code shows that it has files beside it, and where packages lie in an image. */
import assert from "node:assert/strict"
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { test } from "node:test"
import { build } from "esbuild"
import { plainOwn, signsIn } from "../../src/kubernetes/image/beside.ts"
import { layout } from "../../src/kubernetes/image/install.ts"
import { WholePackages } from "../../src/kubernetes/image/whole.ts"
import { TemporaryFolder } from "../support/cli.ts"

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

test("a module of the project is compiled by its tsconfig, above all its decorators and imports of types", async () => {
  using folder = new TemporaryFolder()
  const file = join(folder.path, "src/counter.ts")
  mkdirSync(dirname(file))
  writeFileSync(
    file,
    `import { Named } from "./kinds.ts"
const own = import.meta.url
class Counter { @traced plus(n: Named) { return own } }`,
  )
  const bare = await plainOwn(file)
  assert.match(bare, /from"\.\/kinds\.ts"/)
  assert.match(bare, /own=capstan_url/)
  const compilerOptions = { experimentalDecorators: true }
  writeFileSync(join(folder.path, "tsconfig.json"), JSON.stringify({ compilerOptions }))
  const compiled = await plainOwn(file)
  assert.doesNotMatch(compiled, /kinds/)
  assert.match(compiled, /__decorateClass\(\[traced\],Counter\.prototype,"plus"/)
  assert.match(compiled, /own=capstan_url/)
})

test("compiled code is seen where only an entry or the path that is imported ends in .node", async () => {
  using folder = new TemporaryFolder()
  const has = (name: string, files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder.path, "node_modules", name, path)), { recursive: true })
      folder.write(`node_modules/${name}/${path}`, text)
    }
  }
  const manifest = (more: object) => JSON.stringify({ version: "1.0.0", ...more })
  has("main", { "package.json": manifest({ main: "./lib/a.node" }), "lib/a.node": "" })
  const byUse = { exports: { ".": { require: "./a.node", default: "./a.js" } } }
  has("required", { "package.json": manifest(byUse), "a.node": "", "a.js": "" })
  has("by-path", { "package.json": manifest({}), "lib/a.node": "" })
  has("plain", { "package.json": manifest({}), "index.js": "" })
  const found = async (contents: string) => {
    const whole = new WholePackages([])
    await build({
      stdin: { contents, resolveDir: folder.path },
      ...{ bundle: true, write: false, platform: "node", logLevel: "silent" },
      plugins: [whole.plugin],
    })
    return whole.found().map(({ name, isCompiled }) => `${name} ${isCompiled}`)
  }
  const all =
    'require("main"); require("required"); require("by-path/lib/a.node"); require("plain")'
  assert.deepEqual(await found(all), ["by-path true", "main true", "required true"])
  assert.deepEqual(await found('import "required"; import "buffer"; import "node:fs"'), [])
})

test("packages lie flat where their name is free, and below who needs them where it is not", () => {
  const at = (name: string, version: string) => ({ name, folder: `${name}@${version}` })
  const needs: Readonly<Record<string, readonly ReturnType<typeof at>[]>> = {
    "a@1": [at("b", "1"), at("c", "1")],
    "d@1": [at("b", "2"), at("c", "1")],
    "b@2": [at("c", "2"), at("d", "1")],
  }
  const placed = layout([at("a", "1"), at("d", "1")], (folder) => needs[folder] ?? [])
  assert.deepEqual(Object.fromEntries(placed), {
    "node_modules/a": "a@1",
    "node_modules/d": "d@1",
    "node_modules/b": "b@1",
    "node_modules/c": "c@1",
    "node_modules/d/node_modules/b": "b@2",
    "node_modules/d/node_modules/b/node_modules/c": "c@2",
  })
})
