/**
 * What is published: packed as npm packs it, installed into a new service of its own making, and used
 * from there.
 */
import assert from "node:assert/strict"
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { after, before, test } from "node:test"
import { promisify } from "node:util"
import { obstacles } from "../../scripts/publishable.ts"
import { cleanEnv } from "../support/clean-env.ts"
import { eventually, freePorts, TemporaryFolder } from "../support/cli.ts"
import { billErrors } from "../support/cyclonedx.ts"
import { files, read, root } from "../support/repository.ts"

const folder = new TemporaryFolder()
after(() => folder[Symbol.dispose]())

const manifest = JSON.parse(read("package.json"))
const install = ["install", "--prefer-offline", "--ignore-scripts", "--no-audit", "--no-fund"]

async function run(command: string, args: readonly string[], cwd = home): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, args, { cwd, env: cleanEnv() })
    return stdout
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout: string; readonly stderr: string }
    throw new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error })
  }
}

/** A new service, with the package installed. */
const home = `${folder.path}/my-api`
let packed: readonly string[] = []

before(async () => {
  // From a copy: packing builds, and other tests may be at work in dist/.
  const copy = `${folder.path}/repository`
  for (const part of [
    "src",
    "scripts",
    "templates",
    "web",
    "docs",
    ...files("*.{md,json}"),
    "LICENSE",
  ]) {
    cpSync(root + part, `${copy}/${part}`, { recursive: true })
  }
  symlinkSync(`${root}node_modules`, `${copy}/node_modules`)
  const output = await run("npm", ["pack", "--json", "--pack-destination", folder.path], copy)
  // What `prepack` prints comes first.
  const [pack] = JSON.parse(output.slice(output.indexOf("[\n")))
  const tarball = `${folder.path}/${pack.filename}`
  packed = pack.files.map(({ path }: { readonly path: string }) => path)

  // One installation has to do, because it takes long: what makes the service is run as unpacked.
  await run("tar", ["-xzf", tarball], folder.path)
  const unpacked = `${folder.path}/package`
  symlinkSync(`${root}node_modules`, `${unpacked}/node_modules`)
  const main = `${unpacked}/${manifest.bin.capstan}`
  await run(process.execPath, [main, "new", "my-api", "--capstan", `file:${tarball}`], folder.path)
  await run("npm", [...install])
})

test("the package has JavaScript, types and maps of every module, templates, and nothing else", () => {
  for (const source of files("src/**/*.ts")) {
    if (source.endsWith(".d.ts")) continue
    const built = source.replace(/^src\/(.*)\.ts$/, "dist/$1")
    for (const ending of [".js", ".js.map", ".d.ts", ".d.ts.map"]) {
      assert.ok(packed.includes(built + ending), built + ending)
    }
    // Maps lead to it.
    assert.ok(packed.includes(source), source)
  }
  for (const file of [
    "LICENSE",
    "README.md",
    "CHANGELOG.md",
    "docs/guide.md",
    ...files("templates/**/*.*"),
    ...files("web/*.{html,css,js,svg}"),
  ]) {
    assert.ok(packed.includes(file), file)
  }
  const rooms = new Set(packed.map((path) => path.split("/")[0]))
  assert.deepEqual([...rooms].toSorted(), [
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "dist",
    "docs",
    "package.json",
    "src",
    "templates",
    "web",
  ])
})

test("the package has a bill of what is installed with it, as the lock file has it", () => {
  const bill = JSON.parse(readFileSync(`${home}/node_modules/capstan/dist/sbom.cdx.json`, "utf8"))
  assert.equal(billErrors(bill), "")
  assert.deepEqual([bill.bomFormat, bill.metadata.component.name], ["CycloneDX", "capstan"])
  const lock: { readonly packages: Readonly<Record<string, Locked>> } = JSON.parse(
    read("package-lock.json"),
  )
  const locked = Object.entries(lock.packages).filter(([path, { dev }]) => path !== "" && !dev)
  const told: string[] = bill.components.map(({ purl }: { readonly purl: string }) => purl)
  assert.deepEqual(told.toSorted(), [...new Set(locked.map(urlOf))].toSorted())
  const [own] = bill.dependencies.filter(
    ({ ref }: { readonly ref: string }) => ref === bill.metadata.component["bom-ref"],
  )
  assert.equal(own.dependsOn.length, Object.keys(manifest.dependencies).length)
})

interface Locked {
  readonly version: string
  readonly dev?: boolean
}

function urlOf([path, { version }]: readonly [string, Locked]): string {
  const [name = ""] = path.split("node_modules/").slice(-1)
  return `pkg:npm/${name.replace("@", "%40")}@${version}`
}

test("what can't be published is refused before it is tried, with what to do", () => {
  const repository = { url: "git+https://example.com/capstan.git" }
  assert.deepEqual(
    obstacles({ version: "1.2.0", repository }, "## Unreleased\n## 1.2.0 - 2027"),
    [],
  )
  const [first, second] = obstacles({ version: "1.2.0" }, "## Unreleased\n\nSee 1.2.0.")
  assert.match(first ?? "", /repository\.url/)
  assert.match(second ?? "", /no heading for 1\.2\.0/)
})

test("every export of the package can be imported, and nothing is missing of what the source exports", async () => {
  const entries = Object.keys(manifest.exports).map((entry) => entry.replace(/^\./, "capstan"))
  const script = `
    const found = {}
    for (const entry of ${JSON.stringify(entries)}) {
      const json = entry.endsWith(".json") ? { with: { type: "json" } } : undefined
      found[entry] = Object.keys(await import(entry, json)).sort()
    }
    console.log(JSON.stringify(found))`
  const found = JSON.parse(await run(process.execPath, ["--input-type=module", "--eval", script]))
  assert.deepEqual(found.capstan, Object.keys(await import("../../src/index.ts")).toSorted())
  assert.ok(found["capstan/package.json"].includes("default"))
})

test("a new service's tests and type checks pass, and the types infer what the source's infer", async () => {
  writeFileSync(
    `${home}/consumer.ts`,
    `import { bytes, operation, type Operation, problem, type Server, serve, service, type Settings } from "capstan"
import * as z from "zod"
const square: Operation = operation({
  path: "/square/{id}",
  params: z.object({ id: z.uuid() }),
  body: z.object({ n: z.number() }),
  output: z.object({ result: z.number() }),
  setup: () => ({ power: 2 }),
  run({ path, body }, { signal, log, state }) {
    const id: string = path.id
    // @ts-expect-error it is a number, not just anything
    const wrong: string = body.n
    log.info(id, { wrong, aborted: signal.aborted })
    if (body.n < 0) throw problem(422, "Too small.")
    return { result: body.n ** state.power }
  },
})
operation({
  path: "/wrong",
  output: z.object({ result: z.number() }),
  // @ts-expect-error the answer has to fit the output
  run: () => ({ result: "four" }),
})
operation({ path: "/bytes", body: bytes("image/png"), output: bytes("image/png"), run: ({ body }) => body.bytes })
export default service({ title: "Squares", version: "1.0.0", operations: { square } })
const settings: Settings = { port: 0, managementPort: 0 }
const server: Server = await serve(new URL(import.meta.url), { settings })
// @ts-expect-error there is no such setting
await serve(new URL(import.meta.url), { settings: { prot: 0 } })
await server.drain()
`,
  )
  const [tests] = await Promise.all([run("npm", ["test"]), run("npm", ["run", "check"])])
  assert.match(tests, /pass 2\n[\s\S]*fail 0/)
})

test("its declarations need no package that is not installed with it", async () => {
  const dist = `${home}/node_modules/capstan/dist`
  const declarations = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".d.ts"),
  )
  const imported = new Set(
    declarations.flatMap((file) =>
      Array.from(
        readFileSync(`${dist}/${file}`, "utf8").matchAll(/from "([^".][^"]*)"/g),
        ([, name]) => name ?? "",
      ),
    ),
  )
  for (const name of imported) {
    if (name.startsWith("node:")) continue
    assert.ok(name in manifest.dependencies, `${name} is in a declaration, and not a dependency`)
  }
})

test("its command line runs, makes the same service again, and serves it", async () => {
  const capstan = `${home}/node_modules/.bin/capstan`
  assert.match(await run(capstan, ["--version"]), new RegExp(`^capstan ${manifest.version} `))
  await run(capstan, ["new", "again/my-api"], folder.path)
  assert.equal(
    readFileSync(`${folder.path}/again/my-api/service.ts`, "utf8"),
    readFileSync(`${home}/service.ts`, "utf8"),
  )

  const server = spawn(capstan, ["serve", "service.ts", ...freePorts], {
    cwd: home,
    env: cleanEnv(),
    stdio: ["ignore", "pipe", "inherit"],
  })
  const ended = once(server, "close")
  let printed = ""
  server.stdout.on("data", (chunk) => {
    printed += chunk
  })
  try {
    const [, url] = await eventually(
      () => /served at (http:[^\s,]+)/.exec(printed) ?? undefined,
      "the service",
    )
    const response = await fetch(`${url}/primes`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ upTo: 100 }),
    })
    assert.deepEqual(await response.json(), { upTo: 100, primes: 25 })
    assert.equal((await fetch(`${url}/docs`)).status, 200)
  } finally {
    server.kill("SIGTERM")
    assert.deepEqual(await ended, [0, null])
  }
})
