import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import {
  CliProcess,
  freePorts,
  index,
  runCli,
  serviceSource,
  TemporaryFolder,
} from "../support/cli.ts"

test("prints the document that is served, and nothing else", async () => {
  using folder = new TemporaryFolder()
  // A module that leaves something running must not keep the command from ending.
  folder.write("service.ts", serviceSource("1", { before: "setInterval(() => {}, 1_000)" }))
  const flags = ["--body-bytes-max", "12345"]
  const printed = await runCli(["openapi", "service.ts", ...flags], { cwd: folder.path })
  assert.equal(printed.code, 0)
  assert.equal(printed.stderr, "")
  assert.match(printed.stdout, /^\{\n {2}"openapi": "3\.1/)
  assert.ok(printed.stdout.endsWith("}\n"))

  await using cli = new CliProcess(["serve", "service.ts", ...flags, ...freePorts], {
    cwd: folder.path,
  })
  const { url } = await cli.served()
  const served = await (await fetch(`${url}/openapi.json`)).json()
  assert.deepEqual(JSON.parse(printed.stdout), served)
})

test("--output writes the same to a file", async () => {
  using folder = new TemporaryFolder()
  folder.write("service.ts", serviceSource("1"))
  const printed = await runCli(["openapi", "service.ts"], { cwd: folder.path })
  const written = await runCli(["openapi", "service.ts", "--output", "api.json"], {
    cwd: folder.path,
  })
  assert.equal(written.code, 0)
  assert.equal(written.stdout, "")
  assert.equal(readFileSync(join(folder.path, "api.json"), "utf8"), printed.stdout)

  const refused = await runCli(["openapi", "service.ts", "--output", "no/such/folder.json"], {
    cwd: folder.path,
  })
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /no\/such\/folder\.json could not be written/)
})

test("what tsc makes of a service as CommonJS is read as one", async () => {
  using folder = new TemporaryFolder()
  // As tsc writes `export default service(…)`.
  folder.write(
    "service.cjs",
    `"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
const capstan_1 = require(${JSON.stringify(fileURLToPath(index))});
exports.default = (0, capstan_1.service)({ title: "Compiled", version: "1.0.0", operations: { it: (0, capstan_1.operation)({ path: "/it", run() {} }) } });
`,
  )
  const { code, stdout } = await runCli(["openapi", "service.cjs"], { cwd: folder.path })
  assert.equal(code, 0)
  assert.equal(JSON.parse(stdout).info.title, "Compiled")
})

test("what needs compiling runs with a loader that NODE_OPTIONS names, in workers too", async () => {
  using folder = new TemporaryFolder()
  // The least loader there is: it makes of an enum what a compiler would.
  const loader = folder.write(
    "loader.mjs",
    `import { registerHooks } from "node:module"
registerHooks({
  load(url, context, next) {
    if (!url.endsWith("/enums.ts")) return next(url, context)
    const source = String(next(url, { ...context, format: "module" }).source)
    return { format: "module", shortCircuit: true, source: source.replace("enum Colour { Red = 'red' }", "const Colour = { Red: 'red' }") }
  },
})
`,
  )
  folder.write("enums.ts", serviceSource("1", { before: "enum Colour { Red = 'red' }" }))
  const env = { NODE_OPTIONS: `--import=${loader}` }
  await using cli = new CliProcess(["serve", "enums.ts", ...freePorts], { cwd: folder.path, env })
  const { url } = await cli.served()
  assert.equal(await (await fetch(`${url}/version`)).text(), "1")
})
