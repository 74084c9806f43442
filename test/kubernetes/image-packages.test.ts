/** Packages that have files beside their code work in an image, whatever way they look for them. */
import assert from "node:assert/strict"
import { existsSync, readFileSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { after, before, suite, test } from "node:test"
import { answersOf, type Part, Project, serviceOf, together } from "../support/bundled.ts"

/** The smallest WebAssembly module. */
const wasm = Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0])

type Files = Readonly<Record<string, string | Uint8Array>>

/** A package: an ES module, or with `.cjs` CommonJS. All export `read`, which gives their name. */
function made(name: string, entry: "index.js" | "index.cjs", code: string, files: Files): Files {
  const manifest = {
    name,
    version: "1.2.3",
    main: `./${entry}`,
    ...(entry === "index.js" ? { type: "module" } : {}),
  }
  const all = { "package.json": JSON.stringify(manifest), [entry]: code, ...files }
  return Object.fromEntries(
    Object.entries(all).map(([path, text]) => [`node_modules/${name}/${path}`, text]),
  )
}

/** How files begin that are for a system or a processor. */
const heads = {
  windows: "4d5a9000",
  macos: "cffaedfe0c000001",
  macosBoth: "cafebabe00000002",
  java: "cafebabe00000034",
  x64: "7f454c460201010000000000000000000300 3e00",
  arm64: "7f454c460201010000000000000000000300 b700",
  ia32: "7f454c460101010000000000000000000300 0300",
  arm: "7f454c460101010000000000000000000300 2800",
  s390x: "7f454c460202010000000000000000000003 0016",
}

function binary(of: keyof typeof heads, bytes = 4_000): Uint8Array {
  const all = new Uint8Array(bytes)
  all.set(Buffer.from(heads[of].replace(" ", ""), "hex"))
  return all
}

const fs = 'import { readFileSync } from "node:fs"\n'

/** By what its code does, a package whose code does it. */
const kinds: Readonly<Record<string, Files>> = {
  dirname: made(
    "dirname",
    "index.cjs",
    'exports.read = () => require("fs").readFileSync(require("path").join(__dirname, "data.txt"), "utf8")',
    { "data.txt": "dirname" },
  ),
  filename: made(
    "filename",
    "index.cjs",
    'const path = require("path")\nexports.read = () => require("fs").readFileSync(path.join(path.dirname(__filename), "data.txt"), "utf8")',
    { "data.txt": "filename" },
  ),
  "meta-url": made(
    "meta-url",
    "index.js",
    `${fs}export const read = () => readFileSync(new URL("./deep/data.txt", import.meta.url), "utf8")`,
    { "deep/data.txt": "meta-url" },
  ),
  "meta-dirname": made(
    "meta-dirname",
    "index.js",
    `${fs}export const read = () => readFileSync(import.meta.dirname + "/data.txt", "utf8")`,
    { "data.txt": "meta-dirname" },
  ),
  "meta-filename": made(
    "meta-filename",
    "index.js",
    `${fs}export const read = () => readFileSync(import.meta.filename + ".txt", "utf8")`,
    { "index.js.txt": "meta-filename" },
  ),
  "meta-resolve": made(
    "meta-resolve",
    "index.js",
    `${fs}export const read = () => readFileSync(new URL(import.meta.resolve("./data.txt")), "utf8")`,
    { "data.txt": "meta-resolve" },
  ),
  "require-resolve": made(
    "require-resolve",
    "index.cjs",
    'exports.read = () => require("fs").readFileSync(require.resolve("./data.txt"), "utf8")',
    { "data.txt": "require-resolve" },
  ),
  "create-require": made(
    "create-require",
    "index.js",
    'import { createRequire } from "node:module"\nexport const read = () => createRequire(import.meta.url)("./data.json").name',
    { "data.json": '{"name":"create-require"}' },
  ),
  worker: made(
    "worker",
    "index.js",
    `import { Worker } from "node:worker_threads"
export const read = () => new Promise((resolve, reject) =>
  new Worker(new URL("./work.js", import.meta.url)).once("message", resolve).once("error", reject))`,
    {
      "work.js":
        'import { parentPort } from "node:worker_threads"\nparentPort.postMessage("worker")',
    },
  ),
  forked: made(
    "forked",
    "index.cjs",
    `const { fork } = require("child_process")
exports.read = () => new Promise((resolve, reject) =>
  fork(require("path").join(__dirname, "child.cjs")).once("message", resolve).once("error", reject))`,
    { "child.cjs": 'process.send("forked")' },
  ),
  "wasm-import": made(
    "wasm-import",
    "index.js",
    'import * as empty from "./empty.wasm"\nexport const read = () => Object.keys(empty).length === 0 ? "wasm-import" : ""',
    { "empty.wasm": wasm },
  ),
  computed: made(
    "computed",
    "index.cjs",
    'exports.read = () => { const part = ["./part.cjs"][0]; return require(part) }',
    { "part.cjs": 'module.exports = "computed"' },
  ),
  "not-bundled": made(
    "not-bundled",
    "index.js",
    'export const read = async () => { await import("not-there").catch(() => {}); return (await import("./late.js")).default }',
    { "late.js": 'import "not-there-either"\nexport default ""' },
  ),
}

/** A package that was never meant to be bundled all the same has to fail as it does without. */
const working = Object.keys(kinds).filter((kind) => kind !== "not-bundled")

/** Packages that are imported, and answer at their names what they read. */
function importing(names: readonly string[], files: Files): Part {
  const alias = (name: string) => name.replaceAll(/\W/g, "_")
  return {
    files,
    imports: names.map((name) => `import * as ${alias(name)} from "${name}"`).join("\n"),
    answers: Object.fromEntries(names.map((name) => [name, `${alias(name)}.read()`])),
  }
}

/** Two that need an `inner` in versions of their own, one that needs nothing, one nobody needs. */
const needing = importing(["one", "two", "plain"], {
  ...reading("node_modules/one", "one", "1.0.0"),
  ...inner("node_modules/one/node_modules", "1.1.1"),
  // As pnpm has them: what is imported is a link, and what it needs lies beside where that leads.
  ...reading("node_modules/.store/two/node_modules/two", "two", "2.0.0"),
  ...inner("node_modules/.store/two/node_modules", "2.2.2"),
  ...made("unused", "index.js", "", {}),
  ...made("plain", "index.js", 'export const read = () => "plain"', {}),
})

function reading(at: string, name: string, version: string): Files {
  return {
    [`${at}/package.json`]: JSON.stringify({ name, version, dependencies: { inner: "*" } }),
    [`${at}/index.js`]: `exports.read = () => require("fs").readFileSync(__dirname + "/data.txt", "utf8") + require("inner").version`,
    [`${at}/data.txt`]: `${name} with inner `,
  }
}

function inner(below: string, version: string): Files {
  return {
    [`${below}/inner/package.json`]: JSON.stringify({ name: "inner", version }),
    [`${below}/inner/index.js`]: `exports.version = "${version}"`,
  }
}

/** By name, how the service's own code looks for a file of a package that it never imports. */
const looks = {
  resolved: "import.meta.resolve(PATH)",
  required: "pathToFileURL(require.resolve(PATH))",
  created: "pathToFileURL(createRequire(import.meta.url).resolve(PATH))",
}

const lookedFor: Part = {
  files: Object.assign(
    {},
    ...Object.keys(looks).map((name) => ({
      [`node_modules/${name}/package.json`]: JSON.stringify({ name, version: "1.2.3" }),
      [`node_modules/${name}/model/data.txt`]: name,
    })),
  ),
  imports: `import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { pathToFileURL } from "node:url"
const require = createRequire(import.meta.url)`,
  answers: Object.fromEntries(
    Object.entries(looks).map(([name, how]) => [
      name,
      `readFileSync(new URL(${how.replace("PATH", `"${name}/model/data.txt"`)}), "utf8")`,
    ]),
  ),
}

/** Imported for what they do alone, though they say that their main module has no side effect. */
const doing: Part = {
  files: Object.assign(
    {},
    ...Object.entries({ backend: ["./source.js"], registry: false }).map(([name, sideEffects]) => ({
      [`node_modules/${name}/package.json`]: JSON.stringify({
        ...{ name, version: "1.2.3", main: "main.js", sideEffects },
      }),
      [`node_modules/${name}/main.js`]: `globalThis.${name} = 'registered'`,
    })),
  ),
  imports: 'import "backend"\nimport "registry"',
  answers: { backend: "globalThis.backend", registry: "globalThis.registry" },
}

/** One that comes whole, in the version of the service and in the one that another wants. */
const holding = importing(["holder", "versioned"], {
  ...versioned("node_modules", "2.0.0"),
  ...versioned("node_modules/holder/node_modules", "1.0.0"),
  "node_modules/holder/package.json": JSON.stringify({
    ...{ name: "holder", version: "1.0.0", dependencies: { versioned: "1" } },
  }),
  "node_modules/holder/index.js": 'exports.read = () => require("versioned").read()',
})

function versioned(below: string, version: string): Files {
  return {
    [`${below}/versioned/package.json`]: JSON.stringify({ name: "versioned", version }),
    [`${below}/versioned/index.js`]:
      'exports.read = () => require("fs").readFileSync(__dirname + "/data.txt", "utf8")',
    [`${below}/versioned/data.txt`]: version,
  }
}

/** For other platforms than linux/amd64, by path and by content. */
const others = {
  "bin/napi-v6/darwin/arm64/lib.1.dylib": binary("macos"),
  "bin/napi-v6/win32/x64/lib.dll": binary("windows"),
  "bin/napi-v6/linux/arm64/lib.so.1": binary("arm64"),
  "prebuilds/darwin-x64+arm64/one.node": binary("macosBoth"),
  "prebuilds/linux-arm/one.node": binary("arm"),
  "one.win32-x64-msvc.node": binary("windows"),
  "tools/linux-s390x/tool": binary("s390x"),
  "prebuilds/linux-ia32/one.node": binary("ia32"),
  "bin/linux/386/tool": binary("ia32"),
  "lib/linux_i586/lib.so": binary("ia32"),
}

const own = {
  "bin/napi-v6/linux/x64/lib.so.1": binary("x64"),
  "prebuilds/linux-x64/one.node": binary("x64"),
  "one.linux-x64-musl.node": binary("x64"),
  // Code, which others may import.
  "lib/win32/index.js": "module.exports = 1 // for Windows",
  "lib/darwin/tiny": "MZ",
  // What no path names, or only the path.
  "stubs/setup.exe": binary("windows"),
  "prebuilds/android-x64/one.node": binary("x64"),
  "examples/mac/Hello.class": binary("java"),
  // What a compiler for this processor links for another.
  "linux-x64/targets/arm64/stub": binary("arm64"),
}

const many = importing(
  ["many"],
  made("many", "index.cjs", "exports.read = () => __dirname", { ...others, ...own }),
)

const data: Files = { "model/weights.bin": "0" }

/** Two with data that their code does not name; for one it is asked. */
const secretive = importing(["secretive", "asked"], {
  ...made("secretive", "index.js", 'export const read = () => "secretive"', data),
  ...made("asked", "index.js", 'export const read = () => "asked"', { ...data, ...others }),
})

const large = importing(
  ["large"],
  made("large", "index.cjs", "exports.read = () => __dirname", {
    "prebuilds/linux-x64-musl/large.node": binary("x64", 3e6),
    "prebuilds/linux-x64/large.node": binary("x64", 1e6),
    "index.js.map": new Uint8Array(5e5),
  }),
)

const answering = [
  importing(working, Object.assign({}, ...working.map((kind) => kinds[kind]))),
  ...[needing, lookedFor, doing, holding, secretive],
]
/** All of them in one project: what is said when that becomes a bundle, and what this answers. */
const project = new Project(together([...answering, large, many]))
after(() => project[Symbol.dispose]())
let stderr = ""
let answers: Readonly<Record<string, unknown>> = {}

before(async () => {
  symlinkSync(".store/two/node_modules/two", join(project.path, "node_modules/two"))
  const flags = ["--no-check", "--external", "resolved,asked", "--platform", "linux/amd64"]
  const ended = await project.eject(...flags)
  stderr = ended.stderr
  assert.equal(ended.code, 0, stderr)
  const paths = answering.flatMap((part) => Object.keys(part.answers))
  answers = await answersOf(project.app, paths)
})

function assertAnswers(expected: Readonly<Record<string, string>>): void {
  const found = Object.keys(expected).map((path) => [path, answers[path]])
  assert.deepEqual(Object.fromEntries(found), expected)
}

/** Whose answer is its name. */
const named = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, name]))

suite("packages in an image", { concurrency: 2 }, () => {
  test("those that have files beside their code come whole and work, in each way to reach them", () => {
    for (const kind of working) {
      assert.match(stderr, new RegExp(`${kind} 1\\.2\\.3 .*: it comes whole`))
    }
    assert.match(stderr, /computed loads modules by names that it computes/)
    // Beside those of the other tests, an `inner` of which included.
    const besides = ["one", "two", "inner", ...Object.keys(looks), "holder", "versioned"]
    const count = working.length + [...besides, "asked", "large", "many"].length
    assert.match(stderr, new RegExp(`packages beside the bundle: ${count}, \\d`))
    assertAnswers(named(working))
  })

  test("what can't be bundled comes whole, and what it lacks is told when it is started", async () => {
    using project = new Project(together([importing(["not-bundled"], kinds["not-bundled"]!)]))
    const { code, stderr } = await project.eject()
    assert.match(stderr, /not-bundled 1\.2\.3 can't be bundled: it comes whole/)
    assert.equal(code, 1, stderr)
    assert.match(stderr, /The package not-there-either is not in the image/)
  })

  test("what they need comes along in the versions that are there, links followed, and nothing else", () => {
    assertAnswers({ one: "one with inner 1.1.1", two: "two with inner 2.2.2", plain: "plain" })
    for (const name of ["unused", "plain"]) {
      assert.equal(existsSync(join(project.app, "node_modules", name)), false, name)
    }
    assert.doesNotMatch(readFileSync(join(project.app, "package.json"), "utf8"), /overrides/)
  })

  test("a package that the code only looks for by its place, and never imports, is there", () => {
    assert.match(stderr, /created 1\.2\.3 is looked for by its place: it comes whole/)
    assertAnswers(named(Object.keys(looks)))
  })

  test("a package that is imported for what it does alone does it, whatever it says of its side effects", () => {
    assertAnswers({ backend: "registered", registry: "registered" })
  })

  test("a package that wants another version than the service of one that comes whole gets its own", () => {
    assertAnswers({ holder: "1.0.0", versioned: "2.0.0" })
  })

  test("data that no code names is warned about by the package's name, and --external brings it", () => {
    assert.match(stderr, /secretive has data \(model\/weights\.bin, .*--external secretive/)
    assert.match(stderr, /asked 1\.2\.3 was asked for: it comes whole/)
    assert.doesNotMatch(stderr, /asked has data/)
    assert.ok(existsSync(join(project.app, "node_modules/asked/model/weights.bin")))
    assertAnswers(named(["secretive", "asked"]))
  })

  test("--external of a package that nobody imports is an error that says so", async () => {
    using project = new Project({
      ...made("plain", "index.js", "", {}),
      "service.ts": serviceOf("", { a: '""' }),
    })
    const { code, stderr } = await project.eject("--external", "plain,absent")
    assert.equal(code, 2, stderr)
    assert.match(stderr, /external has plain, absent, which nothing imports/)
    assert.equal(existsSync(project.app), false)
  })

  test("how large they are is told, and what of it could stay out", () => {
    assert.match(
      stderr,
      /large 1\.2\.3: 4\.5 MB \(could stay out: 0\.5 MB source maps, 3\.0 MB binaries for other platforms\)|large 1\.2\.3: 4\.5 MB \(could stay out: 3\.0 MB binaries for other platforms, 0\.5 MB source maps\)/,
    )
    assert.doesNotMatch(stderr, /left out.*large/)
  })

  test("binaries for other platforms stay out where path and content say so, and nothing else", async () => {
    const there = (of: Project, name: string, files: object) =>
      Object.keys(files).filter((file) => existsSync(join(of.app, "node_modules", name, file)))
    assert.match(stderr, /left out, binaries for other platforms: many \(40 kB\)\n/)
    assert.deepEqual(there(project, "many", own), Object.keys(own))
    assert.deepEqual(there(project, "many", others), [])
    assert.ok(!existsSync(join(project.app, "node_modules/many/bin/napi-v6/darwin")))
    // All of one that was asked for by --external is there.
    assert.deepEqual(there(project, "asked", others), Object.keys(others))

    using foreign = new Project(together([many]))
    const other = await foreign.eject("--no-check", "--platform", "linux/arm64")
    assert.match(other.stderr, /left out, binaries for other platforms: many \(\d+ kB\)\n/)
    const arm64 = "bin/napi-v6/linux/arm64/lib.so.1"
    const both = { [arm64]: 0, "bin/napi-v6/linux/x64/lib.so.1": 0 }
    assert.deepEqual(there(foreign, "many", both), [arm64])
  })
})
