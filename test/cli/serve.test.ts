import assert from "node:assert/strict"
import { test } from "node:test"
import { setTimeout } from "node:timers/promises"
import {
  CliProcess,
  eventually,
  freePorts,
  serviceSource,
  TemporaryFolder,
} from "../support/cli.ts"

test("says in one line where it serves, when nobody is looking", async () => {
  using folder = new TemporaryFolder()
  folder.write("service.ts", serviceSource("1"))
  await using cli = new CliProcess(["serve", "service.ts", ...freePorts], { cwd: folder.path })
  const { url, managementUrl } = await cli.served()
  assert.equal(await text(`${url}/version`), "1")
  assert.equal((await fetch(`${managementUrl}/readyz`)).status, 200)
  const lines = cli.stdout
    .trim()
    .split("\n")
    .filter((line) => line.includes("served at"))
  assert.equal(lines.length, 1)
  const line = JSON.parse(lines[0] ?? "") as Record<string, unknown>
  assert.equal(line.level, "info")
  assert.equal(line.url, url)
})

test("a request is one short line of the pretty log, with its id when it did not go well", async () => {
  using folder = new TemporaryFolder()
  folder.write("service.ts", serviceSource("1"))
  const args = ["serve", "service.ts", "--log-format", "pretty", ...freePorts]
  await using cli = new CliProcess(args, { cwd: folder.path })
  const { url } = await cli.served()
  await text(`${url}/version`)
  await cli.output(/INFO: GET \/version 200 in \d+\.\d ms\n/)
  await text(`${url}/nothing`)
  await cli.output(/INFO: GET \/nothing 404 in .* ms \{"outcome":"\S+","requestId":"\S+"\}\n/)
})

test("an exception that nobody caught is logged, and ends it with 1", async () => {
  using folder = new TemporaryFolder()
  const failing = serviceSource("1").replace("process.exit(3)", "{ setTimeout(() => boom()) }")
  folder.write("service.ts", failing)
  await using cli = new CliProcess(["serve", "service.ts", ...freePorts], { cwd: folder.path })
  const { url } = await cli.served()
  await text(`${url}/crash`).catch(() => "cut off")
  assert.deepEqual(await cli.ended, { code: 1, signal: null })
  assert.match(cli.stdout, /"level":"fatal".*boom is not defined/)
})

test("SIGTERM lets every running request finish, then exits with 0", async () => {
  using folder = new TemporaryFolder()
  folder.write("service.ts", serviceSource("1"))
  await using cli = new CliProcess(["serve", "service.ts", "--workers", "2", ...freePorts], {
    cwd: folder.path,
  })
  const { url, managementUrl } = await cli.served()
  // Two run, four wait.
  const answers = Array.from({ length: 6 }, () => text(`${url}/slow`))
  await admitted(managementUrl, 6)
  cli.child.kill("SIGTERM")
  await cli.output(/draining/)
  // Probes go on meanwhile, each on a connection of its own, and hear that it is not ready.
  for (let probes = 0; probes < 20; probes++) {
    const { status } = await fetch(`${managementUrl}/readyz`, { headers: { connection: "close" } })
    assert.equal(status, 503)
    await setTimeout(40)
  }
  folder.write("release", "")
  assert.deepEqual(await Promise.all(answers), Array(6).fill("1"))
  assert.deepEqual(await cli.ended, { code: 0, signal: null })
  assert.match(cli.stdout, /draining[\s\S]*drained/)
})

for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const) {
  test(`a second ${signal} ends it at once, with ${code}`, async () => {
    using folder = new TemporaryFolder()
    folder.write("service.ts", serviceSource("1"))
    await using cli = new CliProcess(["serve", "service.ts", ...freePorts], { cwd: folder.path })
    const { url, managementUrl } = await cli.served()
    const answer = text(`${url}/slow`).catch(() => "cut off")
    await admitted(managementUrl, 1)
    cli.child.kill(signal)
    await cli.output(/draining/)
    // A second Ctrl-C counts from a tenth of a second on: under npm, the first arrives twice.
    await setTimeout(150)
    const beforeMs = performance.now()
    cli.child.kill(signal)
    assert.deepEqual(await cli.ended, { code, signal: null })
    assert.ok(performance.now() - beforeMs < 2_000)
    assert.equal(await answer, "cut off")
  })
}

test("Ctrl-C that arrives twice at once, as under npm, still drains", async () => {
  using folder = new TemporaryFolder()
  folder.write("service.ts", serviceSource("1"))
  await using cli = new CliProcess(["serve", "service.ts", ...freePorts], { cwd: folder.path })
  const { url, managementUrl } = await cli.served()
  const answer = text(`${url}/slow`)
  await admitted(managementUrl, 1)
  cli.child.kill("SIGINT")
  await cli.output(/draining/)
  cli.child.kill("SIGINT")
  folder.write("release", "")
  assert.equal(await answer, "1")
  assert.deepEqual(await cli.ended, { code: 0, signal: null })
})

test("a request that outlasts the grace is cut off, and the exit code is still 0", async () => {
  using folder = new TemporaryFolder()
  folder.write("service.ts", serviceSource("1"))
  await using cli = new CliProcess(
    ["serve", "service.ts", "--drain-grace-ms", "300", ...freePorts],
    { cwd: folder.path },
  )
  const { url, managementUrl } = await cli.served()
  const answer = text(`${url}/slow`).catch(() => "cut off")
  await admitted(managementUrl, 1)
  cli.child.kill("SIGTERM")
  assert.equal((await cli.ended).code, 0)
  assert.notEqual(await answer, "1")
})

async function text(url: string): Promise<string> {
  return await (await fetch(url)).text()
}

/** Waits until that many requests have been let in. */
async function admitted(managementUrl: string, count: number): Promise<void> {
  await eventually(async () => {
    const demand = (await (await fetch(`${managementUrl}/demand`)).json()) as {
      busy: number
      queued: number
    }
    return demand.busy + demand.queued === count || undefined
  }, `${count} requests`)
}
