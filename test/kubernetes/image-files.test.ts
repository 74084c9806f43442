/** Files of the project that its code reads are in the image, where the bundle looks for them. */
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { existsSync, globSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { after, before, suite, test } from "node:test"
import { plain } from "../../src/kubernetes/image/beside.ts"
import { followPlaces } from "../../src/kubernetes/image/places.ts"
import { answersOf, type Part, Project, serviceOf, together } from "../support/bundled.ts"

const imports = `import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { createRequire } from "node:module"
import { Worker } from "node:worker_threads"
import { fork } from "node:child_process"
const text = (path) => readFileSync(path, "utf8")
const said = (by) => new Promise((resolve, reject) => by.once("message", resolve).once("error", reject))
const here = dirname(fileURLToPath(import.meta.url))
const load = createRequire(import.meta.url)
`

/** What the code of a project names relative to itself, in each way to do so, and more beside it. */
const reading: Part = {
  imports: `${imports}import { below } from "./deep/below.ts"
import * as empty from "./deep/empty.wasm"
import * as commonjs from "./deep/commonjs.cjs"
import { parentPort, workerData } from "node:worker_threads"
if (workerData === true) parentPort.postMessage("itself")`,
  answers: {
    url: 'text(new URL("./model/weights.bin", import.meta.url))',
    dirname: 'text(join(import.meta.dirname, "model", "b.bin"))',
    here: "text(here + '/model/c.bin')",
    template: "text(`" + "$" + "{here}/model/d.bin`)",
    json: 'load("./data.json").is',
    manifest: 'JSON.parse(text(new URL("package.json", import.meta.url))).version',
    folder: 'text(join(here, "assets", ["one", "txt"].join(".")))',
    below: "below()",
    worker: 'said(new Worker(new URL("./work/w.ts", import.meta.url)))',
    child: 'said(fork(join(here, "work/child.ts")))',
    wasm: "Object.keys(empty).join()",
    started: 'text("cwd/e.txt")',
    package: 'text(join(here, "node_modules/data/deep/g.bin"))',
    plugin: '(await import("./plugins/" + ["one"][0] + ".ts")).name',
    commonjs: "commonjs.read()",
    itself: "said(new Worker(new URL(import.meta.url), { workerData: true }))",
  },
  files: {
    "model/weights.bin": "url",
    "model/b.bin": "dirname",
    "model/c.bin": "here",
    "model/d.bin": "template",
    "model/unused.bin": "nobody reads this",
    "data.json": '{"is":"json"}',
    "assets/one.txt": "folder",
    "cwd/e.txt": "started",
    "deep/empty.wasm": Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0]),
    "deep/below.ts": `import { readFileSync } from "node:fs"
const place: URL = new URL("../model/f.bin", import.meta.url)
export const below = (): string => readFileSync(place, "utf8")`,
    "model/f.bin": "below",
    "node_modules/data/package.json": '{"name":"data","version":"1.0.0"}',
    "node_modules/data/deep/g.bin": "package",
    ".gitignore": "node_modules\n",
    "plugins/one.ts": 'export const name: string = "plugin"',
    "deep/commonjs.cjs":
      'exports.read = () => require("fs").readFileSync(require("path").join(__dirname, "h.txt"), "utf8")',
    "deep/h.txt": "commonjs",
    "work/w.ts": `import { parentPort } from "node:worker_threads"
import { name } from "./name.ts"
const said: string = name
parentPort?.postMessage(said)`,
    "work/name.ts": 'export const name = "worker"',
    "work/child.ts": 'const said: string = "child"\nprocess.send?.(said)',
  },
}

const linked: Part = {
  imports: "",
  answers: { linked: 'text(new URL("./linked.txt", import.meta.url))' },
  files: { "../elsewhere.txt": "linked" },
}

suite("files of the project in an image", { concurrency: 2 }, () => {
  /** Both in one: what is said when that becomes a bundle, and what this answers. */
  const parts = [reading, linked]
  const project = new Project(together(parts))
  after(() => project[Symbol.dispose]())
  let stderr = ""
  let answers: Readonly<Record<string, unknown>> = {}

  before(async () => {
    symlinkSync("../elsewhere.txt", join(project.path, "linked.txt"))
    const ended = await project.eject("--no-check", "--files", "cwd/**")
    stderr = ended.stderr
    assert.equal(ended.code, 0, stderr)
    const paths = parts.flatMap((part) => Object.keys(part.answers))
    answers = await answersOf(project.app, paths)
  })

  test("those that the code names relative to itself are found, in each way to name them", () => {
    const named = Object.keys(reading.answers)
    assert.deepEqual(Object.fromEntries(named.map((path) => [path, answers[path]])), {
      ...Object.fromEntries(named.map((path) => [path, path])),
      manifest: "3.2.1",
      wasm: "",
    })
    const taken = globSync("project/**/*.*", { cwd: project.app }).map((file) => file.slice(8))
    assert.deepEqual(taken.toSorted(), [
      "assets/one.txt",
      "cwd/e.txt",
      "deep/empty.wasm",
      "deep/h.txt",
      "linked.txt",
      "model/b.bin",
      "model/c.bin",
      "model/d.bin",
      "model/f.bin",
      "model/weights.bin",
      "node_modules/data/deep/g.bin",
      "package.json",
    ])
    assert.doesNotMatch(stderr, /can't be told|not in the image/)
    assert.match(stderr, /files of the project in the image, \d+ B: .*assets\/one\.txt 6 B/)
  })

  test("what is missing, ignored, huge, secret, outside or not to be told is named, and not taken", async () => {
    using project = new Project({
      "service.ts": serviceOf(imports, {
        gone: 'new URL("./gone.bin", import.meta.url).href',
        ignored: "join(here, 'cache', process.argv[1])",
        partly: 'new URL("./partly/", import.meta.url).href',
        secret: 'new URL("./.env", import.meta.url).href',
        outside: 'new URL("../outside.txt", import.meta.url).href',
        computed: "join(here, process.argv[1])",
        huge: 'new URL("./huge/", import.meta.url).href',
        started: 'readFileSync("from-start.txt", "utf8")',
        plugin: "import(process.argv[1])",
      }),
      ".gitignore": "cache/\n*.log\n",
      "cache/c.bin": "12345",
      "partly/kept.txt": "",
      "partly/left.log": "",
      ".env": "SECRET=1",
      "from-start.txt": "",
      "huge/large.bin": "",
    })
    truncateSync(join(project.path, "huge/large.bin"), 200 * 2 ** 20)
    spawnSync("git", ["init", "-q", project.path])
    writeFileSync(join(dirname(project.path), "outside.txt"), "")
    const { code, stderr } = await project.eject("--no-check")
    assert.equal(code, 0, stderr)
    for (const note of [
      /service\.ts reaches gone\.bin, which does not exist/,
      /service\.ts reaches the folder cache \(1 file, 5 B\), which git ignores/,
      /Of the folder partly, 1 file stayed out of the image because git ignores/,
      /service\.ts reaches \.env: such files have secrets/,
      /service\.ts reaches \S+outside\.txt, which is outside the project/,
      /service\.ts reaches something in \. by a name that it computes/,
      /service\.ts reaches the folder huge, which is huge \(more than 1 file, 209\.7 MB\)/,
      /service\.ts loads a module by a name that it computes/,
      /service\.ts reads from-start\.txt from the folder in which it is started.*--files from-start\.txt/,
    ]) {
      assert.match(stderr, note)
    }
    const taken = globSync("project/**/{.*,*.*}", { cwd: project.app })
    assert.deepEqual(taken, ["project/partly/kept.txt"])
    assert.doesNotMatch(await told(project), /which git ignores|reads from-start|reaches something/)
    assert.ok(existsSync(join(project.app, "project/cache/c.bin")))
  })

  test("those of packages of the same workspace are found too, and told as outside", async () => {
    using project = new Project({
      "service.ts": serviceOf('import { read } from "lib"', { lib: "read()" }),
    })
    project.write({
      "../lib/package.json":
        '{"name":"lib","version":"1.0.0","type":"module","exports":"./src/lib.ts"}',
      "../lib/src/lib.ts": `import { readFileSync } from "node:fs"
export const read = (): string => readFileSync(new URL("../data.txt", import.meta.url), "utf8")`,
      "../lib/data.txt": "lib",
    })
    symlinkSync("../../lib", join(project.path, "node_modules/lib"))
    const { code, stderr } = await project.eject("--no-check")
    assert.equal(code, 0, stderr)
    assert.match(stderr, /\/lib\/data\.txt is in the image although it is outside/)
    assert.deepEqual(await answersOf(project.app, ["lib"]), { lib: "lib" })
  })

  test("a file that a link brings from outside is told of", () => {
    assert.match(stderr, /\/elsewhere\.txt is in the image although it is outside/)
    assert.equal(answers.linked, "linked")
  })

  test("a pattern that names nothing, or something outside, is an error that says which", async () => {
    using project = new Project({
      "service.ts": serviceOf("", { a: '""' }),
      "capstan.config.ts": 'export const config = { image: { files: ["none/*.bin"] } }',
    })
    const none = await project.eject("--no-check")
    assert.equal(none.code, 2, none.stderr)
    assert.match(none.stderr, /files has none\/\*\.bin, and there is no such file/)
    const outside = await project.eject("--files", "../outside.txt")
    assert.equal(outside.code, 2, outside.stderr)
    assert.match(outside.stderr, /files has \.\.\/outside\.txt; it must be in the project/)
  })
})

async function told(project: Project): Promise<string> {
  return (await project.eject("--no-check", "--files", "cache,from-start.txt")).stderr
}

test("what code comes to is followed through constants, and modules get the place they have in a bundle", async () => {
  const follow = async (code: string) => {
    const followed = followPlaces(await plain(code, "/p/src/a.ts"), "/p/src/a.ts", (path) =>
      path.endsWith(".ts") ? `${path.split("/").at(-1)}.js` : undefined,
    )
    assert.ok(followed !== undefined, code)
    return followed
  }
  const reached = async (code: string): Promise<readonly string[]> =>
    (await follow(code)).reached.map(({ path, isExact }) => (isExact ? path : `${path}…`))
  for (const [code, paths] of [
    ["use(new URL('../x', import.meta.url))", ["/p/x"]],
    ["use(path.join(import.meta.dirname, '..', 'x'))", ["/p/x"]],
    ["use(import.meta.resolve('./x'))", ["/p/src/x"]],
    ["use(require.resolve('./x'))", ["/p/src/x"]],
    [
      "const d = __dirname, m = join(d, 'm'); use(join(m, 'x'))",
      ["/p/src", "/p/src/m", "/p/src/m/x"],
    ],
    ["const at = (n: string) => new URL(`./m/$" + "{n}.bin`, import.meta.url)", ["/p/src/m/…"]],
    ["use(join(__dirname, 'm', n))", ["/p/src/m…"]],
    ["use(__dirname + '/m/' + n)", ["/p/src/m/…"]],
    ["if (import.meta.filename === process.argv[1]) use()", []],
    ["use(new URL('https://a.example/x'), new URL('/x', 'https://a.example'))", []],
    ["// new URL('./x', import.meta.url)\nuse('import.meta.url')", []],
    ["const f = (__dirname: string) => join(__dirname, 'x')", []],
  ] as const) {
    assert.deepEqual(await reached(code), paths, code)
  }
  const worker = await follow("const w = new URL('./w.ts', import.meta.url); new Worker(w, { w })")
  const url = 'process.getBuiltinModule("node:url").pathToFileURL(__dirname+"/w.ts.js")'
  assert.ok(worker.code.includes(`new Worker(${url},{w:${url}})`), worker.code)
  const self = await follow("new Worker(new URL(import.meta.url)); log(import.meta.url)")
  assert.match(self.code, /new Worker\(.*a\.ts\.js"\)\);log\(capstan_url\)/)
  const read = await follow("readFileSync(new URL('./w.ts', import.meta.url))")
  assert.deepEqual(
    read.reached.map(({ path, isRead }) => [path, isRead]),
    [["/p/src/w.ts", true]],
  )
  const required = await follow(
    "const r = createRequire(import.meta.url); r('./x.json'); r('pkg'); r.resolve('pkg/x.wasm'); import.meta.resolve('other')",
  )
  assert.match(required.code, /require\("\.\/x\.json"\);require\("pkg"\);capstan_require\.resolve/)
  assert.deepEqual(required.packages, ["pkg/x.wasm", "other"])
})
