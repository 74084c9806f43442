/** Packages with compiled code come into an image as the project's lockfile and its .npmrc have them. */
import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { after, beforeEach, test } from "node:test"
import { type Installed, install } from "../../src/kubernetes/image/install.ts"
import { PackageError } from "../../src/kubernetes/image/lockfile.ts"
import type { Platform } from "../../src/kubernetes/image/native.ts"
import { Project, serviceOf } from "../support/bundled.ts"
import { TemporaryFolder } from "../support/cli.ts"
import { Registry } from "../support/registry.ts"
import { root } from "../support/repository.ts"

type Files = Readonly<Record<string, string>>

const token = "a-token-that-nobody-may-see"
const folder = new TemporaryFolder()
const privately = await Registry.start(token)
const publicly = await Registry.start()
after(async () => {
  await privately[Symbol.asyncDispose]()
  await publicly[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

// For npm, which the tests run: nothing of whoever runs them, and no second try.
for (const name of Object.keys(process.env)) {
  if (/^npm_config_/i.test(name)) delete process.env[name]
}
Object.assign(process.env, {
  ACME_TOKEN: token,
  npm_config_cache: `${folder.path}/cache`,
  npm_config_userconfig: `${folder.path}/none`,
  npm_config_fetch_retries: "0",
})

const withToken = (text: string) => `registry=${publicly.url}
@acme:registry=${privately.url}
${privately.url.replace("http:", "")}:_authToken=${text}
`
const npmrc = withToken(`$\{ACME_TOKEN}`)

/** Carries its binaries in packages of their own, and needs one that is only code. */
const fast: Files = {
  "package.json": JSON.stringify({
    ...{
      name: "@acme/fast",
      version: "1.2.3",
      main: "index.js",
      dependencies: { plain: "^1.0.0" },
    },
    optionalDependencies: { "@acme/fast-linux-x64": "1.2.3", "@acme/fast-linux-arm64": "1.2.3" },
  }),
  "index.js": 'exports.read = () => "fast with " + require("plain")',
}
const plain: Files = {
  "package.json": '{"name":"plain","version":"1.0.1"}',
  "index.js": 'module.exports = "plain"',
}
const forPlatform = (cpu: string): Files => ({
  "package.json": JSON.stringify({
    ...{ name: `@acme/fast-linux-${cpu}`, version: "1.2.3", os: ["linux"], cpu: [cpu] },
  }),
  "fast.node": cpu,
})

/** One of the workspace, whose name somebody else has at the public registry. */
const own: Files = {
  "package.json": JSON.stringify({
    ...{ name: "own", version: "1.0.0", gypfile: true, files: ["addon.node"], main: "index.js" },
  }),
  "index.js": 'exports.read = () => require("fs").readFileSync(__dirname + "/addon.node", "utf8")',
  "addon.node": "own addon",
  "notes.txt": "of the project alone",
  ".env": "SECRET=1",
}

const integrity = {
  "@acme/fast": privately.publish(fast),
  "@acme/fast-linux-x64": privately.publish(forPlatform("x64")),
  "@acme/fast-linux-arm64": privately.publish(forPlatform("arm64")),
}
publicly.publish({ ...own, "index.js": 'exports.read = () => "somebody else"' })
publicly.publish(fast)

/** As npm writes it. */
function lockOf(packages: Readonly<Record<string, object>>): string {
  return JSON.stringify({ lockfileVersion: 3, packages: { "": { name: "project" }, ...packages } })
}

const entry = (name: keyof typeof integrity, more: object = {}) => ({
  [`node_modules/${name}`]: { version: "1.2.3", integrity: integrity[name], ...more },
})

const lock = lockOf({
  ...entry("@acme/fast"),
  ...entry("@acme/fast-linux-x64", { os: ["linux"], cpu: ["x64"] }),
  ...entry("@acme/fast-linux-arm64", { os: ["linux"], cpu: ["arm64"] }),
  "node_modules/own": { resolved: "packages/own", link: true },
  "packages/own": { name: "own", version: "1.0.0" },
  "node_modules/plain": { version: "1.0.1" },
})

const at = (place: string, files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [`${place}/${path}`, text]))

/** As on a machine for which there is no binary. */
const files: Files = {
  ".npmrc": npmrc,
  "package-lock.json": lock,
  ...at("node_modules/@acme/fast", fast),
  ...at("node_modules/plain", plain),
  ...at("packages/own", own),
}

beforeEach(() => {
  privately.asked.length = 0
  publicly.asked.length = 0
})

/** Installs what a project has, and returns where, and what was said of it. */
async function installed(
  changed: Files,
  names: readonly string[] = ["@acme/fast"],
  platform: Platform = "linux/amd64",
): Promise<Installed & { readonly app: string; readonly at: (path: string) => string }> {
  using project = new Project({ ...files, ...changed })
  symlinkSync("../packages/own", join(project.path, "node_modules/own"))
  const folders = names.map((name) =>
    name === "own" ? join(project.path, "packages/own") : join(project.path, "node_modules", name),
  )
  const packages = names.map((name, index) => ({
    ...{ name, version: "1.2.3", folder: folders[index]!, why: "", isCompiled: true },
  }))
  const app = mkdtempSync(join(folder.path, "app-"))
  const beside = join(project.tmp, "beside")
  const demand = { project: project.path, platform, folder: beside }
  const result = await install(packages, [], app, {
    ...demand,
    signal: AbortSignal.timeout(60_000),
  })
  return { ...result, app, at: (path) => readFileSync(join(app, "node_modules", path), "utf8") }
}

async function refused(changed: Files, message: RegExp, advice = /./): Promise<void> {
  await assert.rejects(installed(changed), (error) => {
    assert.ok(error instanceof PackageError, String(error))
    assert.match(error.message, message)
    assert.match(error.advice, advice)
    assert.ok(!`${error.message}${error.advice}`.includes(token))
    return true
  })
}

test("what is private comes from its registry alone, and neither its token nor a folder of this machine gets into the image", async () => {
  using project = new Project({
    ...files,
    "service.ts": serviceOf(
      'import { read } from "@acme/fast"\nimport { read as own } from "own"',
      {
        a: "read() + own()",
      },
    ),
  })
  symlinkSync("../packages/own", join(project.path, "node_modules/own"))
  const { code, stderr } = await project.eject("--no-check", "--platform", "linux/arm64")
  assert.equal(code, 0, stderr)
  assert.match(stderr, /@acme\/fast 1\.2\.3 has compiled code: installed for linux\/arm64/)
  assert.match(stderr, /own 1\.0\.0 has compiled code and is of the project: copied as it is here/)
  assert.deepEqual(publicly.asked, [], "of what is private nobody else is told")
  assert.deepEqual(new Set(privately.asked.map((each) => each.token)), new Set([token]))
  assert.deepEqual(
    new Set(privately.asked.map(({ path }) => /^\/(@acme\/[\w-]+)/.exec(path)?.[1])),
    new Set(["@acme/fast", "@acme/fast-linux-arm64"]),
  )
  // Modules are called by the way to them, which leads through this machine to Capstan's.
  const folders = [token, project.path, project.tmp, root, relative(project.path, root)]
  const ejected = dirname(project.app)
  const all = readdirSync(ejected, { recursive: true, withFileTypes: true })
  for (const each of all.filter((found) => found.isFile())) {
    const text = readFileSync(join(each.parentPath, each.name), "latin1")
    for (const secret of folders) assert.ok(!text.includes(secret), `${secret} in ${each.name}`)
    assert.doesNotMatch(each.name, /npmrc|lock|^\.env|^notes/)
  }
  const modules = join(project.app, "node_modules")
  assert.equal(readFileSync(join(modules, "own/addon.node"), "utf8"), "own addon")
  assert.deepEqual(readdirSync(join(modules, "@acme")).toSorted(), ["fast", "fast-linux-arm64"])
})

test("what was fetched is what lies there, and what it needs is what the service has", async () => {
  const { packages, at } = await installed({
    "node_modules/plain/index.js": 'module.exports = "plain, patched"',
  })
  assert.equal(packages[0]?.hasBinary, true)
  assert.equal(at("@acme/fast-linux-x64/fast.node"), "x64")
  assert.equal(at("plain/index.js"), 'module.exports = "plain, patched"')
})

test("a package is what it is, whatever it is called where it is imported", async () => {
  const alias = { "node_modules/quick": { ...entry("@acme/fast")["node_modules/@acme/fast"] } }
  const changed = {
    ...at("node_modules/quick", fast),
    "package-lock.json": lockOf({
      "node_modules/quick": { name: "@acme/fast", ...alias["node_modules/quick"] },
    }),
  }
  const { at: read, notes } = await installed(changed, ["quick"])
  assert.equal(read("quick/index.js"), fast["index.js"])
  assert.match(notes[0] ?? "", /fast has @acme\/fast-linux-x64 for linux\/amd64, of which package/)
  assert.deepEqual(publicly.asked, [])
})

test("a tarball that is not what the lockfile says is refused by its package's name", async () => {
  rmSync(`${folder.path}/cache`, { recursive: true, force: true })
  privately.tamper("@acme/fast", { ...fast, "index.js": "steal()" })
  await refused(
    {},
    /^@acme\/fast 1\.2\.3 is not what package-lock\.json says: its integrity is another\.$/,
  )
  privately.publish(fast)
})

test("the namesake at the registry that a project forgot to name is refused", async () => {
  publicly.publish({ ...fast, "index.js": "steal()" })
  rmSync(`${folder.path}/cache`, { recursive: true, force: true })
  await refused(
    { ".npmrc": `registry=${publicly.url}`, "package-lock.json": lockOf(entry("@acme/fast")) },
    /^@acme\/fast 1\.2\.3 is not what package-lock\.json says: its integrity is another\.$/,
    /names the registry of its scope/,
  )
})

test("what was changed since it was installed is refused, unless a patch says so", async () => {
  const changed = { "node_modules/@acme/fast/index.js": 'exports.read = () => "changed"' }
  await refused(changed, /fast 1\.2\.3 is installed with another index\.js than package-lock\.json/)
  const patched = { ...changed, "patches/@acme+fast+1.2.3.patch": "" }
  const { packages, at } = await installed(patched)
  assert.equal(packages[0]?.apart, "is patched")
  assert.equal(at("@acme/fast/index.js"), 'exports.read = () => "changed"')
})

test("without a lockfile that knows it, nothing is asked of a registry", async () => {
  await refused(
    { "package-lock.json": lockOf({ ...entry("@acme/fast", { version: "1.2.2" }) }) },
    /^@acme\/fast 1\.2\.3 is installed, and package-lock\.json does not know it; it has 1\.2\.2\.$/,
    /npm install/,
  )
  await refused(
    { "package-lock.json": lockOf({ "node_modules/@acme/fast": { version: "1.2.3" } }) },
    /package-lock\.json has no integrity of @acme\/fast 1\.2\.3/,
  )
  await refused({ "package-lock.json": "<<<<<<<" }, /^package-lock\.json can't be read\.$/, /merge/)
  assert.deepEqual([...privately.asked, ...publicly.asked], [])
})

test("a registry that can't be reached, or wants another token, is told as such", async () => {
  rmSync(`${folder.path}/cache`, { recursive: true, force: true })
  // Nothing listens there.
  const unreachable = npmrc.replaceAll(privately.url.slice("http:".length), "//127.0.0.1:9/")
  await refused(
    { ".npmrc": unreachable },
    /fast.* can't be had: its registry can't be reached/,
    /VPN/,
  )
  const denied = withToken("another-token")
  await refused({ ".npmrc": denied }, /fast.* is not given to whoever asked/, /credentials/)
})

test("registries and integrities may be pnpm's, and versions newer than the .npmrc wants new ones", async () => {
  for (const registries of [
    `"@acme": ${privately.url}`,
    `${privately.url}: { scopes: ["@acme"] }`,
  ]) {
    const { at } = await installed({
      ".npmrc": `${npmrc.split("\n").slice(2).join("\n")}\nbefore=2020-01-01`,
      "pnpm-workspace.yaml": `registries:\n  ${registries}\n`,
      "pnpm-lock.yaml": `lockfileVersion: '9.0'
packages:
  '@acme/fast@1.2.3':
    resolution: {integrity: ${integrity["@acme/fast"]}}
  '@acme/fast-linux-x64@1.2.3':
    resolution: {integrity: ${integrity["@acme/fast-linux-x64"]}}
    os: [linux]
    cpu: [x64]
`,
      "node_modules/.modules.yaml": "",
    })
    assert.equal(at("@acme/fast-linux-x64/fast.node"), "x64")
  }
  assert.deepEqual(publicly.asked, [])
})

test("a package of the project that does not say what it publishes is copied, but for secrets and what its compiler left", async () => {
  const { packages, at } = await installed(
    {
      "packages/own/package.json": '{"name":"own","gypfile":true}',
      "packages/own/build/Release/addon.node": "built",
      "packages/own/build/config.gypi": "of this machine",
      "packages/own/.npmrc": "secret",
    },
    ["own"],
  )
  assert.equal(packages[0]?.apart, "is of the project")
  assert.equal(at("own/notes.txt"), own["notes.txt"])
  assert.equal(at("own/build/Release/addon.node"), "built")
  for (const path of ["own/.env", "own/.npmrc", "own/build/config.gypi"]) {
    assert.throws(() => at(path), /ENOENT/, path)
  }
})

test("what is from git is copied as it is installed, without what its compiler left", async () => {
  const git = { version: "1.2.3", resolved: "git+ssh://git@example.com/fast.git#0123456" }
  const fromGit = await installed({
    "package-lock.json": lockOf({ "node_modules/@acme/fast": git }),
    "node_modules/@acme/fast/build/Release/fast.node": "made here",
    "node_modules/@acme/fast/build/Makefile": "of this machine",
  })
  assert.equal(fromGit.packages[0]?.apart, "is from git")
  assert.equal(fromGit.at("@acme/fast/build/Release/fast.node"), "made here")
  assert.throws(() => fromGit.at("@acme/fast/build/Makefile"), /ENOENT/)
  assert.deepEqual([...privately.asked, ...publicly.asked], [])
})
