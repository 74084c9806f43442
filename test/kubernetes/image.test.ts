import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import {
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { after, before, suite, test } from "node:test"
import { pathToFileURL } from "node:url"
import { dockerfile, fullName } from "../../src/kubernetes/image/dockerfile.ts"
import { settingsTable } from "../../src/service/settings.ts"
import { Bundled, Project } from "../support/bundled.ts"
import { cleanEnv } from "../support/clean-env.ts"
import { runCli, TemporaryFolder } from "../support/cli.ts"
import { billErrors } from "../support/cyclonedx.ts"
import { root } from "../support/repository.ts"

interface Bill {
  readonly metadata: { readonly component: { readonly name: string } }
  readonly components: readonly {
    readonly name: string
    readonly purl?: string
    readonly licenses?: unknown
  }[]
}

const folder = new TemporaryFolder()
after(() => folder[Symbol.dispose]())
const ejected = join(folder.path, "image")
const app = join(ejected, "app")

async function eject(example: string, to: string): Promise<string> {
  const { code, stderr } = await runCli(
    // What it makes is started by the tests themselves.
    ["image", `${root}examples/${example}/service.ts`, "--eject", to, "--no-check"],
    { node: ["--conditions=capstan-source"] },
  )
  assert.equal(code, 0, stderr)
  return stderr
}

before(() => eject("prime-factor", ejected))

suite("the bundle, as plain Node", () => {
  let bundled: Bundled
  before(() => {
    bundled = new Bundled(app)
  })
  after(() => bundled[Symbol.asyncDispose]())

  test("serves, computes on workers and documents itself", async () => {
    const { url, managementUrl } = await bundled.served()
    const answer = await fetch(`${url}/api/v1/hello`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"n": 600851475143}',
    })
    assert.deepEqual(
      [
        answer.status,
        ((await answer.json()) as { largest_prime_factor: number }).largest_prime_factor,
      ],
      [200, 6857],
    )
    assert.equal((await fetch(`${managementUrl}/readyz`)).status, 200)
    const docs = await fetch(`${url}/docs/`)
    assert.match(await docs.text(), /Prime factors/)
    assert.equal((await fetch(`${url}/docs/static/swagger-ui-bundle.js`)).status, 200)
  })

  test("the health check of the image answers for the process, without a shell", async () => {
    const { managementUrl } = await bundled.served()
    const text = readFileSync(join(ejected, "Dockerfile"), "utf8")
    const [command, ...args] = JSON.parse(/HEALTHCHECK .*?CMD (\[.*\])$/m.exec(text)?.[1] ?? "[]")
    assert.equal(command, "node")
    const check = async (port: string): Promise<unknown> => {
      const env = { ...cleanEnv(), CAPSTAN_MANAGEMENT_PORT: port }
      const [code] = await once(spawn(process.execPath, args, { env }), "close")
      return code
    }
    assert.equal(await check(new URL(managementUrl).port), 0)
    assert.equal(await check("9"), 1)
    assert.ok(text.includes(`?? ${settingsTable.managementPort.default}`), "the default port")
  })

  test("drains when it is told to end", async () => {
    await bundled.served()
    const closed = once(bundled.child, "close")
    bundled.child.kill("SIGTERM")
    assert.deepEqual(await closed, [0, null], bundled.output)
    assert.match(bundled.output, /"drained"/)
  })
})

test("workers that are processes are started from the bundle", async () => {
  using project = new Project({
    "service.ts": `import { asking, serving } from "./operations.ts"
const run = async () => String(process.pid)
export default serving({ alone: asking("/alone", run, { ownWorkers: { isolation: "process" } }) })
`,
  })
  const { code, stderr } = await project.eject("--no-check")
  assert.equal(code, 0, stderr)
  await using bundled = new Bundled(project.app)
  const { url } = await bundled.served()
  const answer = await fetch(`${url}/alone`)
  assert.equal(answer.status, 200, bundled.output)
  assert.notEqual(await answer.json(), String(bundled.child.pid))
})

test("what Fastify has for others is in a file of its own, for a service that uses it", async () => {
  const { load } = await import(pathToFileURL(join(app, "late.js")).href)
  const names = Object.keys(load)
  assert.ok(names.includes("@fastify/ajv-compiler"))
  for (const name of names) assert.equal(typeof load[name](), "function", name)
})

test("a bundle is 6 MB at most, and has no source in it", () => {
  const files = globSync("**/*", { cwd: app }).map((file) => join(app, file))
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0)
  assert.ok(bytes > 1e6 && bytes <= 6e6, `${bytes} bytes`)
  assert.deepEqual(
    files.filter((file) => file.endsWith(".ts")),
    [],
  )
  assert.equal(existsSync(join(app, "node_modules")), false)
})

test("a bill says which packages are in the bundle, as CycloneDX has it", () => {
  const bill: Bill = JSON.parse(readFileSync(join(app, "sbom.cdx.json"), "utf8"))
  assert.equal(billErrors(bill), "")
  assert.equal(bill.metadata.component.name, "prime-factors")
  const found = bill.components.map(({ name }) => name)
  for (const name of ["docker.io/library/node:26-slim", "capstan", "fastify", "zod"]) {
    assert.ok(found.includes(name), `${name} of ${found}`)
  }
  assert.ok(!found.includes("esbuild"), "what is not in the image")
  const zod = bill.components.find(({ name }) => name === "zod")
  assert.match(zod?.purl ?? "", /^pkg:npm\/zod@4\./)
  assert.deepEqual(zod?.licenses, [{ expression: "MIT" }])
})

test("the same input gives the same files, times and modes included, and a changed Dockerfile stays", async () => {
  const again = join(folder.path, "again")
  mkdirSync(again)
  writeFileSync(join(again, "Dockerfile"), "FROM scratch\n")
  // Under the strictest umask, too, the process has to be able to read what belongs to root.
  const umask = process.umask(0o077)
  const said = await eject("prime-factor", again).finally(() => process.umask(umask))
  assert.match(said, /the Dockerfile there is yours/)
  assert.equal(readFileSync(join(again, "Dockerfile"), "utf8"), "FROM scratch\n")
  const files = (of: string) => globSync("app/**/*", { cwd: of }).toSorted()
  assert.deepEqual(files(again), files(ejected))
  for (const file of files(again)) {
    const [one, other] = [join(ejected, file), join(again, file)]
    assert.equal(statSync(other).mtimeMs, statSync(one).mtimeMs, file)
    assert.equal(statSync(other).mode, statSync(one).mode, file)
    assert.equal(statSync(one).mode & 0o044, 0o044, file)
    if (statSync(one).isFile()) assert.ok(readFileSync(one).equals(readFileSync(other)), file)
  }
})

test("a package with compiled code is installed beside the bundle, for the image's platform", async () => {
  const thumbnail = join(folder.path, "thumbnail")
  assert.match(await eject("thumbnail", thumbnail), /sharp [\d.]+ has compiled code: installed for/)
  assert.ok(existsSync(join(thumbnail, "app/node_modules/sharp/package.json")))
  const modules = join(thumbnail, "app/node_modules")
  for (const file of readdirSync(modules, { recursive: true }).map(String)) {
    assert.equal(lstatSync(join(modules, file)).mtimeMs, 0, file)
    assert.doesNotMatch(file, /package-lock/)
  }
  const versionOf = (path: string) => JSON.parse(readFileSync(path, "utf8")).version
  assert.equal(
    versionOf(join(modules, "semver/package.json")),
    versionOf(`${root}node_modules/semver/package.json`),
    "what sharp wants in a range is what the service was tried with",
  )
  const bill: Bill = JSON.parse(readFileSync(join(thumbnail, "app/sbom.cdx.json"), "utf8"))
  assert.equal(billErrors(bill), "")
  const sharp = `pkg:npm/sharp@${versionOf(join(modules, "sharp/package.json"))}`
  assert.ok(
    bill.components.some(({ purl }) => purl === sharp),
    "it is in the bill",
  )
  await using bundled = new Bundled(join(thumbnail, "app"))
  const { url } = await bundled.served()
  assert.equal((await fetch(`${url}/openapi.json`)).status, 200)
})

test("the Dockerfile is short, not root, and runs nothing while it is built", () => {
  const text = dockerfile({
    base: "node:26-slim",
    title: 'Quotes " and $dollars',
    version: "1.0.0",
    description: undefined,
  })
  assert.match(text, /^FROM docker\.io\/library\/node:26-slim$/m)
  assert.match(text, /^USER 1000:1000$/m)
  // What a base would do first is its own: its entry point may be a node that is given another.
  assert.match(text, /^ENTRYPOINT \[\]\nCMD \["node", "server\.js"\]$/m)
  assert.match(text, /title="Quotes \\" and \\\$dollars"$/m)
  assert.match(text, /^LABEL org\.opencontainers\.image\.version="1\.0\.0"$/m)
  assert.match(text, /image\.base\.name="docker\.io\/library\/node:26-slim"$/m)
  assert.doesNotMatch(text, /^RUN /m)
  assert.ok(text.split("\n").length <= 25)
})

test("an image's name is said in full, however it was typed", () => {
  assert.equal(fullName("node:26-slim@sha256:0"), "docker.io/library/node:26-slim@sha256:0")
  assert.equal(fullName("someone/node"), "docker.io/someone/node")
  assert.equal(fullName("localhost/node"), "localhost/node")
  assert.equal(fullName("registry.example/node:1"), "registry.example/node:1")
  assert.equal(fullName("localhost:5000/node"), "localhost:5000/node")
})
