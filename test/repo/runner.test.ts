/** What runs the tests: it must not pass what it should not. */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { text } from "node:stream/consumers"
import { test } from "node:test"
import { untestedEnv } from "../support/clean-env.ts"
import { patienceMs, patientMs, slownessVariable } from "../support/patience.ts"
import { root } from "../support/repository.ts"

interface Ran {
  readonly code: number | null
  readonly output: string
}

async function run(
  program: "main" | "steady",
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Ran> {
  const child = spawn(process.execPath, [`test/${program}.ts`, ...args], {
    cwd: root,
    env: { ...untestedEnv(), CI: undefined, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  })
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")])
  return { code, output }
}

const fixture = (name: string) => `test/fixtures/runner/${name}.ts`

test("what was skipped for want of a program stands in one line at the end, with how to get it", async () => {
  const env = { PATH: "/nowhere", [slownessVariable]: undefined }
  const { code, output } = await run("main", [fixture("lacking")], env)
  assert.equal(code, 0)
  assert.equal(
    output.trim().split("\n").at(-1),
    'Skipped: needs openssl (apt-get install -y openssl): "needs a program"; ' +
      'needs curl (apt-get install -y curl): "needs another"',
  )
})

test("where nothing may be left out, a test whose program is missing runs, and any skip is a failure", async () => {
  const lacking = await run("main", [fixture("lacking")], { CI: "true", PATH: "/nowhere" })
  assert.equal(lacking.code, 0)
  assert.match(lacking.output, /pass 3\n[\s\S]*skipped 0\n/)
  const elsewhere = await run("main", [fixture("elsewhere")], { CI: "true" })
  assert.equal(elsewhere.code, 1)
  assert.match(elsewhere.output, /Skipped: only elsewhere: "is for another system"\n$/)
  assert.equal((await run("main", [fixture("elsewhere")])).code, 0)
})

test("a test that fails, and a file that ends before its tests, fail the run", async () => {
  const failing = await run("main", [fixture("failing")])
  assert.equal(failing.code, 1)
  assert.match(failing.output, /pass 1\n[\s\S]*fail 1\n/)
  assert.equal((await run("main", [fixture("crashing")])).code, 1)
})

test("many runs in a row tell each failure by name, and are done only when none failed", async () => {
  const failing = await run("steady", ["--runs", "2", "--only", "busy", fixture("failing")])
  assert.equal(failing.code, 1)
  const each = failing.output.match(/^busy \d of 2: 1 passed, 1 failed, \d+ s\n {2}failed: .*$/gm)
  assert.equal(each?.length, 2)
  assert.match(each[0] ?? "", /test\/fixtures\/runner\/failing\.ts: fails$/)
  assert.match(failing.output, /^busy: 0 of 2 passed; a run took \d+ s \(\d+ to \d+\)$/m)

  const both = await run("steady", ["--runs", "1", fixture("elsewhere")])
  assert.equal(both.code, 0)
  assert.match(both.output, /^busy: 1 of 1 passed[\s\S]*^quiet: 1 of 1 passed/m)

  const crashing = await run("steady", ["--runs", "1", "--only", "quiet", fixture("crashing")])
  assert.equal(crashing.code, 1)
})

test("who waits is as patient as the machine is slow, and never less than on a fast one", async () => {
  assert.ok(patientMs(100) >= 100)
  assert.ok(patienceMs() >= 100_000)
  const script = `
    const { patientMs } = await import(${JSON.stringify(`${root}test/support/patience.ts`)})
    console.log(patientMs(100))`
  const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    env: { ...process.env, [slownessVariable]: "7.5" },
  })
  assert.equal(await text(child.stdout), "750\n")
})
