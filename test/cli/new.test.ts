import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { test } from "node:test"
import { parse } from "yaml"
import { localDependency, nameProblem, portableDependency } from "../../src/cli/new.ts"
import { cleanEnv } from "../support/clean-env.ts"
import { runCli, TemporaryFolder } from "../support/cli.ts"
import { read, root } from "../support/repository.ts"

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
    "pnpm-workspace.yaml",
    "reporter.ts",
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
  const { dependencies, devDependencies, engines } = JSON.parse(
    read("templates/service/package.json.template"),
  )
  const own = JSON.parse(read("package.json"))
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

test("a path in --capstan is read from here and written from the new folder, whoever else has both", async () => {
  using folder = new TemporaryFolder()
  for (const part of ["here", "tools"]) mkdirSync(join(folder.path, part))
  const tarball = folder.write("tools/capstan-1.0.0.tgz", "")
  const cwd = join(folder.path, "here")
  const specs = [`file:${tarball}`, `file://${tarball}`, tarball, "file:../tools/capstan-1.0.0.tgz"]
  for (const [index, spec] of specs.entries()) {
    const { code, stderr } = await runCli(["new", `made/api-${index}`, "--capstan", spec], { cwd })
    assert.equal(code, 0, stderr)
    const made = readFileSync(join(cwd, "made", `api-${index}`, "package.json"), "utf8")
    assert.equal(
      JSON.parse(made).dependencies.capstan,
      "file:../../../tools/capstan-1.0.0.tgz",
      spec,
    )
  }
  const missing = await runCli(["new", "api", "--capstan", "../capstan.tgz"], { cwd })
  assert.equal(missing.code, 2)
  assert.match(missing.stderr, /--capstan is "\.\.\/capstan\.tgz", and there is nothing at \S+/)
  assert.deepEqual(readdirSync(cwd), ["made"])
  for (const spec of ["1.2.3", "next", "https://example.com/capstan.tgz", "github:us/capstan"]) {
    assert.equal(portableDependency(spec, cwd, join(cwd, "made", "api")), spec)
  }
})

test("npm test of a new service fails where no test ran, and passes where one did", async () => {
  using folder = new TemporaryFolder()
  await runCli(["new", "my-api"], { cwd: folder.path })
  const made = join(folder.path, "my-api")
  const { scripts } = JSON.parse(readFileSync(join(made, "package.json"), "utf8"))
  // The first says which Node it needs where this one is too old.
  const [first, run = ""] = scripts.test.split(" && ")
  assert.equal(first, "capstan --version")
  const npmTest = () =>
    spawnSync(process.execPath, run.split(" ").slice(1), {
      cwd: made,
      env: cleanEnv(),
      encoding: "utf8",
    })
  rmSync(join(made, "service.test.ts"))
  const none = npmTest()
  assert.equal(none.status, 1, none.stdout)
  assert.match(none.stdout, /No test ran\./)

  const passing = `import { test } from "node:test"\ntest("it works", () => {})\n`
  writeFileSync(join(made, "service.test.ts"), passing)
  const one = npmTest()
  assert.equal(one.status, 0, one.stdout)
  assert.match(one.stdout, /✔ it works/)
  assert.doesNotMatch(one.stdout, /No test ran/)

  writeFileSync(join(made, "service.test.ts"), passing.replace("{}", "{ throw new Error() }"))
  assert.equal(npmTest().status, 1)
})

test("an installation of a new service has no script to decide on", () => {
  const scripts = Object.keys(JSON.parse(read("package.json")).scripts)
  const run = ["preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare"]
  assert.deepEqual(
    scripts.filter((name) => run.includes(name)),
    [],
  )
  // Of the packages that Capstan brings, those that have one are decided on, for npm and for pnpm.
  const locked: Readonly<Record<string, { hasInstallScript?: true; dev?: true }>> = JSON.parse(
    read("package-lock.json"),
  ).packages
  const named = Object.entries(locked)
    .filter(([path, { hasInstallScript, dev }]) => path !== "" && hasInstallScript && !dev)
    .map(([path]) => path.replace(/^.*node_modules\//, ""))
  const decided = Object.fromEntries(named.map((name) => [name, false]))
  const template = JSON.parse(read("templates/service/package.json.template"))
  assert.deepEqual(template.allowScripts, decided)
  assert.deepEqual(parse(read("templates/service/pnpm-workspace.yaml")).allowBuilds, decided)
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
