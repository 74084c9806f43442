import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { CliProcess, freePorts, runCli, serviceSource, TemporaryFolder } from "../support/cli.ts"

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
