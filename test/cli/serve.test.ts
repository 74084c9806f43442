import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { readdirSync } from "node:fs"
import { suite, test } from "node:test"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { stripVTControlCharacters } from "node:util"
import { cleanEnv } from "../support/clean-env.ts"
import {
  CliProcess,
  eventually,
  freePorts,
  patientFlags,
  serviceSource,
  TemporaryFolder,
} from "../support/cli.ts"
import { without } from "../support/programs.ts"
import { RawClient } from "../support/raw-client.ts"

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))
const flags = [...freePorts, ...patientFlags()]

// They wait for processes most of the time.
suite("capstan serve", { concurrency: 3 }, () => {
  test("says in one line where it serves, when nobody is looking", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", serviceSource("1"))
    await using cli = new CliProcess(["serve", "service.mjs", ...flags], { cwd: folder.path })
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

  test("it stays clear of the files that it may have open, and says what it takes", {
    skip: process.platform !== "linux" && "there is no /proc",
  }, async () => {
    using folder = new TemporaryFolder()
    folder.write("service.ts", serviceSource("1"))
    await using cli = new CliProcess(["serve", "service.ts", ...flags], {
      cwd: folder.path,
      descriptors: 300,
    })
    const { url, managementUrl } = await cli.served()
    assert.match(cli.stdout, /connectionsMax is 10000, and this process may have 300 files/)
    const idle: RawClient[] = []
    try {
      for (let n = 0; n < 300; n++) idle.push(await RawClient.connect(Number(new URL(url).port)))
      assert.equal(await text(`${url}/version`), "1")
      assert.equal((await fetch(`${managementUrl}/readyz`)).status, 200)
      const open = readdirSync(`/proc/${cli.child.pid}/fd`).length
      assert.ok(open < 250, `${open} files are open`)
    } finally {
      for (const client of idle) client[Symbol.dispose]()
    }
  })

  test("a request is one short line of the pretty log, with its id when it did not go well", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", serviceSource("1"))
    const args = ["serve", "service.mjs", "--log-format", "pretty", ...flags]
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
    folder.write("service.mjs", failing)
    await using cli = new CliProcess(["serve", "service.mjs", ...flags], { cwd: folder.path })
    const { url } = await cli.served()
    await text(`${url}/crash`).catch(() => "cut off")
    assert.deepEqual(await cli.ended, { code: 1, signal: null })
    assert.match(cli.stdout, /"level":"fatal".*boom is not defined/)
  })

  test("SIGTERM lets every running request finish, then exits with 0", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", serviceSource("1"))
    await using cli = new CliProcess(["serve", "service.mjs", "--workers", "2", ...flags], {
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
      const { status } = await fetch(`${managementUrl}/readyz`, {
        headers: { connection: "close" },
      })
      assert.equal(status, 503)
      await setTimeout(40)
    }
    folder.write("release", "")
    assert.deepEqual(await Promise.all(answers), Array(6).fill("1"))
    assert.deepEqual(await cli.ended, { code: 0, signal: null })
    assert.match(cli.stdout, /draining[\s\S]*drained/)
  })

  test("a terminal that is closed drains it, and what it had logged by then is not lost", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", serviceSource("1"))
    await using cli = new CliProcess(["serve", "service.mjs", ...flags], { cwd: folder.path })
    const { url, managementUrl } = await cli.served()
    const answer = text(`${url}/slow`)
    await admitted(managementUrl, 1)
    await text(`${url}/nothing`)
    cli.child.kill("SIGHUP")
    await cli.output(/draining/)
    // As a session's end may have it, which hurries nobody.
    await setTimeout(150)
    cli.child.kill("SIGHUP")
    folder.write("release", "")
    assert.equal(await answer, "1")
    assert.deepEqual(await cli.ended, { code: 0, signal: null })
    assert.match(cli.stdout, /"path":"\/nothing"[\s\S]*draining[\s\S]*drained/)
  })

  test("in a terminal that goes away it answers what it has, though nothing can be shown any more", {
    skip: without("script") || (process.platform !== "linux" && "script has other flags elsewhere"),
  }, async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", serviceSource("1"))
    const command = [process.execPath, main, "serve", "service.mjs", ...flags]
    const script = spawn(
      "script",
      ["-qefc", `exec ${command.map((word) => `'${word}'`).join(" ")}`, "/dev/null"],
      {
        cwd: folder.path,
        env: { ...cleanEnv(), TERM: "xterm" },
        stdio: ["pipe", "pipe", "inherit"],
      },
    )
    let shown = ""
    script.stdout.on("data", (chunk) => {
      shown += chunk
    })
    const { url, managementUrl } = await eventually(() => {
      const plain = stripVTControlCharacters(shown)
      const [, management] = /(http:\S+)\/metrics/.exec(plain) ?? []
      const [, api] = /(http:\S+)\/openapi\.json/.exec(plain) ?? []
      return management && api ? { url: api, managementUrl: management } : undefined
    }, "its addresses")
    const answer = text(`${url}/slow`)
    await admitted(managementUrl, 1)
    script.kill("SIGKILL")
    await eventually(
      async () => (await fetch(`${managementUrl}/readyz`)).status === 503 || undefined,
      "the drain",
    )
    folder.write("release", "")
    assert.equal(await answer, "1")
    await eventually(
      () =>
        fetch(managementUrl).then(
          () => undefined,
          () => true,
        ),
      "its end",
    )
  })

  for (const [signal, code] of [
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const) {
    test(`a second ${signal} ends it at once, with ${code}`, async () => {
      using folder = new TemporaryFolder()
      folder.write("service.mjs", serviceSource("1"))
      await using cli = new CliProcess(["serve", "service.mjs", ...flags], { cwd: folder.path })
      const { url, managementUrl } = await cli.served()
      const answer = text(`${url}/slow`).catch(() => "cut off")
      await admitted(managementUrl, 1)
      cli.child.kill(signal)
      await cli.output(/draining/)
      // A second one counts from a tenth of a second on: the first may arrive twice.
      await setTimeout(150)
      cli.child.kill(signal)
      // A drain would wait for the request that is never let go, and end with 0.
      assert.deepEqual(await cli.ended, { code, signal: null })
      assert.equal(await answer, "cut off")
    })
  }

  for (const [signal, under] of [
    ["SIGINT", "npm"],
    ["SIGTERM", "timeout(1)"],
  ] as const) {
    test(`${signal} that arrives twice at once, as ${under} has it, still drains`, async () => {
      using folder = new TemporaryFolder()
      folder.write("service.mjs", serviceSource("1"))
      // Sent by the process itself, as soon as the first is there: from here the second might come late.
      // Its clock stands still until the second is dealt with: whether that is soon enough is not chance.
      const echo = `process.once("${signal}", () => {
      const nowMs = performance.now()
      performance.now = () => nowMs
      process.once("${signal}", () => delete performance.now)
      process.kill(process.pid, "${signal}")
    })`
      const node = ["--import", `data:text/javascript,${encodeURIComponent(echo)}`]
      const args = ["serve", "service.mjs", ...flags]
      await using cli = new CliProcess(args, { cwd: folder.path, node })
      const { url, managementUrl } = await cli.served()
      const answer = text(`${url}/slow`)
      await admitted(managementUrl, 1)
      cli.child.kill(signal)
      await cli.output(/draining/)
      folder.write("release", "")
      assert.equal(await answer, "1")
      assert.deepEqual(await cli.ended, { code: 0, signal: null })
    })
  }

  test("a request that outlasts the grace is cut off, and the exit code is still 0", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", serviceSource("1"))
    await using cli = new CliProcess(
      ["serve", "service.mjs", ...flags, "--drain-grace-ms", "300"],
      {
        cwd: folder.path,
      },
    )
    const { url, managementUrl } = await cli.served()
    const answer = text(`${url}/slow`).catch(() => "cut off")
    await admitted(managementUrl, 1)
    cli.child.kill("SIGTERM")
    assert.equal((await cli.ended).code, 0)
    assert.notEqual(await answer, "1")
  })

  test("who does not read the log holds up nobody, and hears how many lines were dropped", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", serviceSource("1"))
    await using cli = new CliProcess(["serve", "service.mjs", ...flags], { cwd: folder.path })
    const { url, managementUrl } = await cli.served()
    cli.child.stdout?.pause()
    // Eight megabytes of log, where one is held, beyond what the pipe takes.
    const long = `${url}/${"x".repeat(14_000)}`
    for (let n = 0; n < 300; n++) assert.equal((await fetch(long)).status, 404)
    assert.equal((await fetch(`${managementUrl}/livez`)).status, 200)
    cli.child.stdout?.resume()
    await cli.output(/"level":"warn",.*"lines":\d+,"msg":"lines of the log could not be written/)
    cli.child.kill("SIGTERM")
    assert.deepEqual(await cli.ended, { code: 0, signal: null })
    assert.match(cli.stdout, /drained/)
  })
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
