import assert from "node:assert/strict"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { Agent, get } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { after, before, suite, test } from "node:test"
import { setTimeout } from "node:timers/promises"
import {
  CliProcess,
  childrenOf,
  eventually,
  freePorts,
  isRunning,
  keptWaiting,
  patientFlags,
  serviceSource,
  stuckSource,
  TemporaryFolder,
} from "../support/cli.ts"

function startDev(folder: TemporaryFolder, ...args: string[]): CliProcess {
  return new CliProcess(
    [
      "dev",
      "service.mjs",
      "--workers",
      "1",
      "--spare-workers",
      "0",
      ...patientFlags(),
      ...freePorts,
      ...args,
    ],
    { cwd: folder.path },
  )
}

suite("capstan dev, from one change to the next", () => {
  const folder = new TemporaryFolder()
  let cli: CliProcess
  let url = ""
  let managementUrl = ""
  before(async () => {
    folder.write("service.mjs", serviceSource("1"))
    cli = startDev(folder)
    ;({ url, managementUrl } = await cli.served())
  })
  after(async () => {
    await cli[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  })

  /** Makes it another version, and waits until that is served and said to be. */
  async function change(version: string, source = serviceSource): Promise<void> {
    const { length } = cli.stdout
    folder.write("service.mjs", source(version))
    const isSaid = () => cli.stdout.includes("serving the new version", length) || undefined
    await eventually(isSaid, "the new version")
    await becomes(url, version)
  }

  // How long it takes is measured by `npm run bench -- start`, and source-watch.test.ts has the wait for
  // further changes. Here: that nothing of Capstan is left to be loaded when a file is saved.
  test("a change is served by a process that was ready for it, and listens on this machine only", {
    skip: process.platform !== "linux" && "processes are listed in /proc",
  }, async () => {
    assert.match(url, /^http:\/\/127\.0\.0\.1:/)
    assert.equal(await answer(url, "/version"), "1")
    assert.equal((await fetch(`${managementUrl}/readyz`)).status, 200)

    const served = new Set([Number(await answer(url, "/pid"))])
    for (const version of ["2", "3"]) {
      const idle = await eventually(
        () => childrenOf(cli.child.pid!).find((pid) => !served.has(pid)),
        "a process that is ready to start",
      )
      folder.write("service.mjs", serviceSource(version))
      await becomes(url, version)
      assert.equal(Number(await answer(url, "/pid")), idle)
      served.add(idle)
    }
  })

  test("a version with a syntax error is shown, and the last good one goes on serving", async () => {
    const good = await answer(url, "/version")
    folder.write("service.mjs", `${serviceSource("broken")}\nconst oops: = 1\n`)
    await cli.output(
      /service\.mjs:\d+\n[\s\S]*const oops: = 1\n[\s\S]*last good version goes on serving/,
    )
    assert.equal(await answer(url, "/version"), good)
    await change("mended")
    assert.equal(cli.stderr.match(/can't be served/g)?.length, 1, "the error is shown once")
  })

  test("a version whose setup fails is shown, and the last good one goes on serving", async () => {
    const good = await answer(url, "/version")
    const failing = serviceSource("broken").replace(
      "summary:",
      'setup() { throw new Error("there is no model") }, summary:',
    )
    folder.write("service.mjs", failing)
    await cli.output(/there is no model[\s\S]*last good version goes on serving/)
    assert.equal(await answer(url, "/version"), good)
  })

  test("changes at once are one, and only the last is served", async () => {
    const { length } = cli.stdout
    // It stands still meanwhile: so all of them are there when it looks, however slow this machine is.
    cli.child.kill("SIGSTOP")
    for (let version = 1; version <= 20; version++) {
      folder.write("service.mjs", serviceSource(String(version)))
    }
    cli.child.kill("SIGCONT")
    await becomes(url, "20")
    const said = cli.stdout.slice(length)
    assert.equal(said.match(/service\.mjs changed/g)?.length, 1)
    assert.equal(said.match(/serving the new version/g)?.length, 1)
  })

  test("follows files that the module imports from elsewhere, and new folders beside it", async () => {
    using elsewhere = new TemporaryFolder()
    const shared = elsewhere.write("shared.mjs", 'export const shared = "a"\n')
    const source = (imports: string, value: string) =>
      imports + serviceSource("_").replaceAll('text("_")', `text(${value})`)
    folder.write(
      "service.mjs",
      source(`import { shared } from ${JSON.stringify(shared)}\n`, "shared"),
    )
    await becomes(url, "a")
    elsewhere.write("shared.mjs", 'export const shared = "b"\n')
    await becomes(url, "b")

    folder.write("service.mjs", source('import { nested } from "./lib/nested.mjs"\n', "nested"))
    await cli.output(/can't be served[\s\S]*nested\.mjs/)
    mkdirSync(join(folder.path, "lib"))
    writeFileSync(join(folder.path, "lib", "nested.mjs"), 'export const nested = "c"\n')
    await becomes(url, "c")
  })

  test("what a service writes beside its source, and packages, do not reload it", async () => {
    mkdirSync(join(folder.path, "node_modules", "p"), { recursive: true })
    await change("beside")
    const { length } = cli.stdout
    const pid = await answer(url, "/pid")
    folder.write("access.log", "a line\n")
    folder.write(".env.ts", "")
    writeFileSync(join(folder.path, "node_modules", "p", "index.js"), "")
    folder.write("other.ts", "")
    // The one that counts is noticed after the ones that do not.
    const changed = () => /^capstan: (.*) changed$/m.exec(cli.stdout.slice(length))?.[1]
    assert.equal(await eventually(changed, "a change"), "other.ts")
    await eventually(async () => (await answer(url, "/pid")) !== pid || undefined, "a new version")
  })

  test("a version that crashes is started again", async () => {
    const version = await answer(url, "/version")
    await assert.rejects(answer(url, "/crash"))
    await cli.output(/process ended \(exit code 3\)/)
    // Nothing serves at this moment: the connection waits for the next one.
    assert.equal(await keptWaiting(() => answer(url, "/version")), version)
  })

  test("no connection fails while versions come and go", async (t) => {
    const failures: string[] = []
    const seen = new Set<string>()
    let count = 0
    let done = false
    const hammer = async (agent: Agent | false) => {
      // A version that goes closes a connection on which nothing has come for half a second, and is
      // killed when it does nothing for two: a machine that stands still that long may see either.
      const patientUntilMs = agent ? 500 : 2_000
      let beforeMs = performance.now()
      while (!done) {
        const sentAtMs = performance.now()
        try {
          seen.add(await answer(url, "/version", agent))
          count++
        } catch (error) {
          const tookMs = performance.now() - (agent ? beforeMs : sentAtMs)
          if (tookMs < patientUntilMs) failures.push(`${error}, after ${tookMs} ms`)
        }
        beforeMs = sentAtMs
        // Constantly, but without taking the processor from what is being tested.
        await setTimeout(2)
      }
      if (agent) agent.destroy()
    }
    const kept = () => new Agent({ keepAlive: true, maxSockets: 1 })
    const clients = [hammer(false), hammer(false), hammer(kept()), hammer(kept())]
    for (const version of ["one", "two", "three"]) {
      folder.write("service.mjs", serviceSource(version))
      await eventually(() => seen.has(version) || undefined, `version ${version}`)
    }
    done = true
    await Promise.all(clients)
    t.diagnostic(`${count} requests during 3 reloads, ${failures.length} failed`)
    assert.deepEqual(failures, [])
  })

  test("a connection that was handed to a version that dies goes to the next", async () => {
    const version = await answer(url, "/version")
    const pid = Number(await answer(url, "/pid"))
    process.kill(pid, "SIGSTOP")
    const waiting = Array.from({ length: 5 }, () => {
      const { hostname, port } = new URL(url)
      const connected = Promise.withResolvers<void>()
      const answered = keptWaiting(async () => {
        const socket = connect(Number(port), hostname, connected.resolve)
        socket.write("GET /version HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        const answered = await text(socket)
        assert.match(answered, /^HTTP\/1.1 200 /)
        assert.equal(answered.split("\r\n\r\n").at(-1), version)
        return true
      })
      return { connected: connected.promise, answered }
    })
    // Each is accepted by now, and handed to a process that does nothing.
    await Promise.all(waiting.map(({ connected }) => connected))
    process.kill(pid, "SIGKILL")
    await Promise.all(waiting.map(({ answered }) => answered))
  })

  test("a version stuck in a loop is replaced all the same", async () => {
    await change("stuck", stuckSource)
    const lost = answer(url, "/crash").catch(() => "lost")
    await appears(folder, "stuck")
    const waiting = answer(url, "/version")
    folder.write("service.mjs", serviceSource("unstuck"))
    await becomes(url, "unstuck")
    assert.equal(await lost, "lost")
    assert.equal(await waiting, "unstuck")
  })

  test("Ctrl-C ends everything with 0", async () => {
    const pid = Number(await answer(url, "/pid"))
    cli.child.kill("SIGINT")
    assert.deepEqual(await cli.ended, { code: 0, signal: null })
    assert.ok(!isRunning(pid))
  })
})

// They wait for processes most of the time.
suite("capstan dev, begun and ended", { concurrency: 3 }, () => {
  test("a running request is finished by the version that began it", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", serviceSource("1"))
    await using cli = startDev(folder, "--workers", "2")
    const { url, managementUrl } = await cli.served()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    await answer(url, "/version", agent)
    const running = answer(url, "/slow", agent)
    await eventually(async () => {
      const demand = await (await fetch(`${managementUrl}/demand`)).json()
      return (demand as { busy: number }).busy === 1 || undefined
    }, "the request to run")
    folder.write("service.mjs", serviceSource("2"))
    await becomes(url, "2")
    folder.write("release", "")
    assert.equal(await running, "1")
    // Its connection is closed behind an answer, so that the client meets the new version.
    await eventually(async () => {
      return (await answer(url, "/version", agent)) === "2" || undefined
    }, "the new version on a connection that was kept")
    agent.destroy()
  })

  test("a first version that is broken is answered for with 503 and the error, until it is mended", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", 'import "./missing.ts"\n')
    await using cli = startDev(folder)
    // What waits until then would be answered after ten seconds that it is still starting.
    const [, url = ""] = await cli.output(/Until then (http:\S+) answers 503/)
    const page = await fetch(url, { headers: { accept: "text/html" } })
    assert.equal(page.status, 503)
    assert.match(await page.text(), /<pre>[\s\S]*missing\.ts/)
    const problem = await fetch(url)
    assert.equal(problem.status, 503)
    assert.equal(problem.headers.get("content-type"), "application/problem+json")
    assert.match(((await problem.json()) as { detail: string }).detail, /missing\.ts/)

    folder.write("service.mjs", serviceSource("1"))
    await becomes(url, "1")
  })

  test("a module that never finishes loading is dropped at the next change", async () => {
    using folder = new TemporaryFolder()
    folder.write(
      "service.mjs",
      'import { writeFileSync } from "node:fs"\nwriteFileSync("loading", "")\nfor (;;);\n',
    )
    await using cli = startDev(folder)
    const [, url = ""] = await cli.output(/starting \S+ at (http:\S+)/)
    await appears(folder, "loading")
    folder.write("service.mjs", serviceSource("1"))
    await becomes(url, "1")
  })

  test("no process is left behind when the supervisor is killed", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", serviceSource("1"))
    await using cli = startDev(folder)
    const { url } = await cli.served()
    const pid = Number(await answer(url, "/pid"))
    assert.ok(isRunning(pid))
    cli.child.kill("SIGKILL")
    await eventually(() => !isRunning(pid) || undefined, "the process to end")
  })

  test("not even one that is stuck in a loop", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", stuckSource("1"))
    await using cli = startDev(folder)
    const { url } = await cli.served()
    const pid = Number(await answer(url, "/pid"))
    const lost = answer(url, "/crash").catch(() => "lost")
    await appears(folder, "stuck")
    cli.child.kill("SIGKILL")
    await eventually(() => !isRunning(pid) || undefined, "the process to end")
    assert.equal(await lost, "lost")
  })
})

/** Over a connection of its own, unless an agent keeps one. */
function answer(url: string, path: string, agent: Agent | false = false): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const request = get(`${url}${path}`, { agent }, (response) => {
    let body = ""
    response.setEncoding("utf8")
    response.on("data", (chunk) => {
      body += chunk
    })
    response.on("error", reject)
    response.on("end", () => {
      if (response.statusCode === 200) resolve(body)
      else reject(new Error(`${response.statusCode}: ${body}`))
    })
  })
  request.on("error", reject)
  return promise
}

async function becomes(url: string, version: string): Promise<void> {
  await eventually(async () => {
    const now = await answer(url, "/version").catch(() => undefined)
    return now === version || undefined
  }, `version ${version}`)
}

async function appears(folder: TemporaryFolder, name: string): Promise<void> {
  await eventually(() => existsSync(join(folder.path, name)) || undefined, `a file ${name}`)
}
