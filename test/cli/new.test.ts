import assert from "node:assert/strict"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { localDependency, nameProblem } from "../../src/cli/new.ts"
import { runCli, TemporaryFolder } from "../support/cli.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

test("makes a service with nothing left to fill in", async () => {
  using folder = new TemporaryFolder()
  const { code, stdout } = await runCli(["new", "my-api"], { cwd: folder.path })
  assert.equal(code, 0)
  assert.match(stdout, /cd my-api\n.*npm install\n.*npm test\n.*npm run dev\n/)
  assert.match(stdout, /takes Capstan from file:\S+, the copy that is running/)

  const made = join(folder.path, "my-api")
  assert.deepEqual(readdirSync(made).toSorted(), [
    ".gitignore",
    "README.md",
    "package.json",
    "service.test.ts",
    "service.ts",
    "tsconfig.json",
  ])
  for (const file of readdirSync(made)) {
    assert.doesNotMatch(readFileSync(join(made, file), "utf8"), /\{\{/, file)
  }
  const manifest = JSON.parse(readFileSync(join(made, "package.json"), "utf8"))
  assert.equal(manifest.name, "my-api")
  const [, path = ""] = /^file:(.+)$/.exec(manifest.dependencies.capstan) ?? []
  assert.equal(resolve(made, path), resolve(root))
})

test("the new service's packages are the ones that Capstan itself is tested with", () => {
  const read = (path: string) => JSON.parse(readFileSync(join(root, path), "utf8"))
  const { dependencies, devDependencies, engines } = read("templates/service/package.json.template")
  const own = read("package.json")
  const { capstan: _, ...all } = { ...dependencies, ...devDependencies }
  for (const [name, range] of Object.entries(all)) {
    assert.equal(range, own.devDependencies[name] ?? own.dependencies[name], name)
  }
  assert.deepEqual(engines, own.engines)
})

test("--capstan says where Capstan comes from", async () => {
  using folder = new TemporaryFolder()
  await runCli(["new", "my-api", "--capstan", "^9.9.9"], { cwd: folder.path })
  const manifest = JSON.parse(readFileSync(join(folder.path, "my-api", "package.json"), "utf8"))
  assert.equal(manifest.dependencies.capstan, "^9.9.9")
})

test("the last part of a path is the name", async () => {
  using folder = new TemporaryFolder()
  mkdirSync(join(folder.path, "here"))
  const { code, stdout } = await runCli(["new", "../there/my-api"], {
    cwd: join(folder.path, "here"),
  })
  assert.equal(code, 0)
  assert.match(stdout, /my-api is made[\s\S]*cd \.\.\/there\/my-api\n/)
  const made = join(folder.path, "there", "my-api")
  assert.equal(JSON.parse(readFileSync(join(made, "package.json"), "utf8")).name, "my-api")
})

test("leaves alone what lies there already, and uses a folder that is empty", async () => {
  using folder = new TemporaryFolder()
  for (const name of ["full", "empty"]) mkdirSync(join(folder.path, name))
  const kept = join(folder.path, "full", "service.ts")
  writeFileSync(kept, "mine")
  folder.write("file", "mine")

  const full = await runCli(["new", "full"], { cwd: folder.path })
  assert.equal(full.code, 2)
  assert.match(full.stderr, /The folder full exists and is not empty/)
  assert.equal(readFileSync(kept, "utf8"), "mine")
  assert.deepEqual(readdirSync(join(folder.path, "full")), ["service.ts"])

  const file = await runCli(["new", "file"], { cwd: folder.path })
  assert.equal(file.code, 2)
  assert.match(file.stderr, /There is a file file already/)
  assert.equal((await runCli(["new", "empty"], { cwd: folder.path })).code, 0)
})

test("a name that npm would refuse is refused, with one that it would take", async () => {
  using folder = new TemporaryFolder()
  const { code, stderr } = await runCli(["new", "My API"], { cwd: folder.path })
  assert.equal(code, 2)
  assert.match(stderr, /"My API" can't be a package's name[\s\S]*Did you mean my-api\?/)
  assert.deepEqual(readdirSync(folder.path), [])

  for (const name of ["a", "my-api", "my.api_2", "1st"]) assert.equal(nameProblem(name), undefined)
  for (const name of ["", ".hidden", "../up", "a/b", "Ä", "fs", "capstan", "node_modules"]) {
    assert.ok(nameProblem(name), name)
  }
  assert.ok(nameProblem("a".repeat(215)))
})

test("a new service takes Capstan from the copy that is running, by a path of its own", () => {
  assert.equal(localDependency("/home/a/capstan", "/home/a/my-api"), "file:../capstan")
  assert.equal(
    localDependency("/home/a/tools/node_modules/capstan", "/home/a/my-api"),
    "file:../tools/node_modules/capstan",
  )
})
