/**
 * knip, as `npm run check` calls it, finds what nothing uses. That it finds nothing here is `check`'s
 * to say. Its plugin for Node is off in knip.json: it would take all that lies in test/ for tests,
 * so that nothing there could ever be dead.
 */
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { appendFileSync, cpSync, symlinkSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { TemporaryFolder } from "../support/cli.ts"
import { read, root } from "../support/repository.ts"

const parts = ["src", "examples", "templates", "scripts", "bench", "test"]
const config = ["package.json", "knip.json", "tsconfig.json", "tsconfig.build.json"]

function knip(cwd: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const command = `${root}node_modules/.bin/knip`
    execFile(command, ["--reporter", "compact", ...args], { cwd }, (_, stdout) => resolve(stdout))
  })
}

test("a dead file, a dead export and a file that only tests use are found, wherever they are", async () => {
  using copy = new TemporaryFolder()
  for (const part of [...parts, ...config]) {
    cpSync(root + part, `${copy.path}/${part}`, {
      recursive: true,
      filter: (path) => !path.includes("node_modules"),
    })
  }
  symlinkSync(`${root}node_modules`, `${copy.path}/node_modules`)

  const dead = "export const usedByNobody = 1\n"
  for (const room of parts) writeFileSync(`${copy.path}/${room}/usedByNobody.ts`, dead)
  appendFileSync(`${copy.path}/src/service/schema.ts`, dead)
  appendFileSync(`${copy.path}/examples/thumbnail/thumbnail.ts`, dead)
  appendFileSync(`${copy.path}/test/support/repository.ts`, dead)
  writeFileSync(`${copy.path}/src/core/forTests.ts`, "export const one = 1\n")
  writeFileSync(
    `${copy.path}/test/core/one.test.ts`,
    'import { one } from "../../src/core/forTests.ts"\none\n',
  )

  const [everything, production] = await Promise.all([
    knip(copy.path, []),
    knip(copy.path, ["--production", "--files", "--dependencies"]),
  ])
  for (const room of parts)
    assert.match(everything, new RegExp(`^${room}/usedByNobody\\.ts: ${room}/`, "m"))
  for (const file of [
    "src/service/schema.ts",
    "examples/thumbnail/thumbnail.ts",
    "test/support/repository.ts",
  ]) {
    assert.match(everything, new RegExp(`^${file}: .*usedByNobody`, "m"))
  }
  assert.doesNotMatch(everything, /forTests/)
  assert.match(production, /^src\/core\/forTests\.ts: src/m)
})

test("the check runs knip both ways", () => {
  const { scripts } = JSON.parse(read("package.json"))
  assert.equal(scripts.check, "node scripts/check.ts")
  assert.equal(scripts["check:dead"], "knip && knip --production --files --dependencies")
})
