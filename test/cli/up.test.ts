/** `capstan up` and `capstan status`, as people run them. */
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, existsSync, openSync, writeFileSync } from "node:fs"
import { createServer as createHttpServer } from "node:http"
import { createServer } from "node:net"
import { join } from "node:path"
import { suite, test } from "node:test"
import { fileURLToPath } from "node:url"
import { freePort } from "../../bench/harness.ts"
import { Failure } from "../../src/cli/failure.ts"
import { resolveUp, type UpFlags, upTable } from "../../src/cli/up/options.ts"
import { deploymentTable } from "../../src/kubernetes/manifests/options.ts"
import type { OptionSpec } from "../../src/kubernetes/option.ts"
import { flag } from "../../src/service/settings.ts"
import { cleanEnv } from "../support/clean-env.ts"
import {
  CliProcess,
  eventually,
  freePorts,
  isRunning,
  patientFlags,
  type RunOptions,
  runCli,
  serviceSource,
  stuckSource,
  TemporaryFolder,
} from "../support/cli.ts"
import { read } from "../support/repository.ts"

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))
const small = ["--workers", "1", "--spare-workers", "0", "--cpu", "100m", ...patientFlags()]
/** So seldom that a start which takes long, and the CPU of it, change no number here. */
const steady = ["--sync-ms", "600000"]
const ports = [...freePorts, "--web-port", "0"]

function startUp(folder: TemporaryFolder, options: RunOptions, ...flags: string[]): CliProcess {
  const args = ["up", "service.mjs", ...ports, ...small, ...steady, ...flags]
  return new CliProcess(args, { cwd: folder.path, ...options })
}

interface Status {
  readonly url: string
  readonly ready: number
  readonly stuck: number
  readonly pageUrl: string
  readonly docsUrl: string
  readonly version: number
  readonly replicas: readonly { readonly pid: number; readonly phase: string }[]
}

async function statusOf(managementUrl: string): Promise<Status> {
  return (await (await fetch(`${managementUrl}/status`)).json()) as Status
}

async function untilReady(managementUrl: string, count: number): Promise<Status> {
  return await eventually(async () => {
    const status = await statusOf(managementUrl)
    const isSo = status.ready === count && status.replicas.length === count
    return isSo ? status : undefined
  }, `${count} replicas`)
}

async function text(url: string): Promise<string> {
  const response = await fetch(url)
  return `${response.status} ${await response.text()}`
}

/** Serves with that as its standard output and error; resolves with what stood on the latter. */
async function servesWith(stdio: readonly (number | "pipe")[], hangUp: boolean): Promise<string> {
  using folder = new TemporaryFolder()
  folder.write("service.mjs", serviceSource("1"))
  const managementPort = await freePort()
  const child = spawn(
    process.execPath,
    [
      ...[main, "up", "service.mjs", ...ports, "--management-port", `${managementPort}`, ...small],
      ...["--log-level", "info"],
    ],
    { cwd: folder.path, env: cleanEnv(), stdio: ["ignore", ...stdio] },
  )
  const ended = once(child, "close")
  let stderr = ""
  child.stderr?.on("data", (chunk) => {
    stderr += chunk
  })
  if (hangUp) for (const stream of [child.stdout, child.stderr]) stream?.destroy()
  try {
    const managementUrl = `http://127.0.0.1:${managementPort}`
    const url = await eventually(async () => {
      const answer = await fetch(`${managementUrl}/status`).catch(() => undefined)
      const status = answer?.ok ? ((await answer.json()) as Status) : undefined
      return status && status.ready > 0 ? status.url : undefined
    }, "a replica")
    for (let i = 0; i < 20; i++) assert.equal(await text(`${url}/version`), "200 1")
  } finally {
    child.kill("SIGTERM")
    assert.deepEqual(await ended, [0, null])
  }
  return stderr
}

// They wait for processes most of the time.
suite("capstan up", { concurrency: 2 }, () => {
  test("up serves by replicas, tells its status, serves a change, and finishes what runs on SIGTERM", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", serviceSource("1"))
    await using cli = startUp(folder, {}, "--min", "2", "--max", "3")
    const { url, managementUrl } = await cli.served()
    assert.equal(await text(`${url}/version`), "200 1")
    const { pageUrl, docsUrl } = await untilReady(managementUrl, 2)
    assert.match(await text(pageUrl), /^200 [\s\S]*<title>/)
    assert.match(await text(docsUrl), /^200 /)
    // A machine that stands still for seconds makes them unready for a moment.
    await eventually(async () => {
      const metrics = await text(`${managementUrl}/metrics`)
      return /^capstan_replicas\{phase="ready"\} 2$/m.test(metrics) || undefined
    }, "both in the metrics")
    await eventually(async () => {
      return /"workers":2/.test(await text(`${managementUrl}/demand`)) || undefined
    }, "the sum of both")

    const port = new URL(managementUrl).port
    const { code, stdout } = await runCli(["status", "--management-port", port])
    assert.equal(code, 0)
    assert.match(stdout, /^Fixture 1\.0\.0 at http:/)
    assert.match(stdout, /2 of 2 ready, from 2 to 3/)
    assert.match(stdout, /replica-1 +ready/)
    const asJson = await runCli(["status", "--json", "--management-port", port])
    assert.equal(JSON.parse(asJson.stdout).scaling.maxReplicas, 3)

    folder.write("service.mjs", `${serviceSource("2")}\nconst oops: = 1\n`)
    await cli.output(/version 2 can't be served[\s\S]*const oops: = 1[\s\S]*goes on serving, by 2/)
    assert.equal(await text(`${url}/version`), "200 1")
    folder.write("service.mjs", serviceSource("3"))
    await cli.output(/version 3 serves now/)
    assert.equal(await text(`${url}/version`), "200 3")

    const slow = text(`${url}/slow`)
    await eventually(async () => {
      const demand = (await (await fetch(`${managementUrl}/demand`)).json()) as { busy: number }
      return demand.busy === 1 || undefined
    }, "the request to run")
    cli.child.kill("SIGTERM")
    await cli.output(/draining/)
    folder.write("release", "")
    assert.equal(await slow, "200 3")
    assert.deepEqual(await cli.ended, { code: 0, signal: null })
    assert.match(cli.stdout, /drained/)
    assert.doesNotMatch(cli.stdout, /"outcome":"ok"/)
    assert.equal(cli.stderr, "")
  })

  test("in lines, requests that went well are left out unless a log level asks for them", async () => {
    /** What stands in the log before a request that does not go well, and that request's line. */
    const logged = async (env: Record<string, string>, ...flags: string[]): Promise<string> => {
      using folder = new TemporaryFolder()
      folder.write("service.mjs", serviceSource("1"))
      await using cli = startUp(folder, { env }, ...flags)
      const { url } = await cli.served()
      assert.equal(await text(`${url}/version`), "200 1")
      assert.match(await text(`${url}/nothing`), /^404 /)
      // One replica, so the lines are in order.
      await cli.output(/replica-1: .*GET \/nothing 404/)
      return cli.stdout
    }
    const [pretty, asked] = await Promise.all([
      logged({}, "--log-format", "pretty"),
      logged({ CAPSTAN_LOG_LEVEL: "info" }),
    ])
    assert.doesNotMatch(pretty, /GET \/version/)
    assert.match(asked, /replica-1: \{.*"outcome":"ok".*GET \/version 200/)
  })

  test("up tells of operations that are refused, of stuck workers and of memory, to people and to scripts", async () => {
    using folder = new TemporaryFolder()
    const pipe = folder.pipe("release")
    const broken = `broken: operation({
      method: "GET", path: "/broken", setup() { throw new Error("the model is missing") }, run() {},
    }),
    native: operation({
      method: "GET", path: "/native", cancelGraceMs: 0,
      run() { process.getBuiltinModule("node:child_process").spawnSync("sh", ["-c", ': > begun; cat "$0"', ${JSON.stringify(pipe)}]) },
    }),
    version:`
    folder.write("service.mjs", serviceSource("1").replace("version: op", `${broken} op`))
    await using cli = startUp(folder, {}, "--min", "1")
    const { url, managementUrl } = await cli.served()
    assert.match(await text(`${url}/broken`), /^503 /)
    const client = new AbortController()
    const left = fetch(`${url}/native`, { signal: client.signal })
    const begun = join(folder.path, "begun")
    await eventually(() => existsSync(begun) || undefined, "it to be stuck")
    client.abort()
    await assert.rejects(left)
    const port = new URL(managementUrl).port
    const wanted = [
      /, 1 stuck in native code/,
      /Trouble +setup of "broken" failed: the model is missing/,
      /replica-1 +ready .*[1-9]\d* MiB/,
    ]
    // A replica of which nothing was heard for a moment has nothing to tell, and a process for each
    // look is a lot: so each is told by the port first.
    const isTold = async () => {
      if ((await statusOf(managementUrl)).stuck !== 1) return undefined
      const { stdout } = await runCli(["status", "--management-port", port])
      return wanted.every((pattern) => pattern.test(stdout)) || undefined
    }
    await eventually(isTold, "all of it in the status")
    const isReady = /^200 .*\n.*"broken" failed: the model is/
    const isMeasured = [
      /^capstan_workers\{state="stuck"\} 1$/m,
      /^capstan_worker_memory_bytes [1-9]\d*$/m,
    ]
    await eventually(async () => {
      const metrics = await text(`${managementUrl}/metrics`)
      const told = isMeasured.every((pattern) => pattern.test(metrics))
      return (told && isReady.test(await text(`${managementUrl}/readyz`))) || undefined
    }, "all of it in the metrics, and the trouble in its readiness")
    await eventually(async () => {
      const { stdout } = await runCli(["status", "--json", "--management-port", port])
      const { stuck, troubles } = JSON.parse(stdout)
      if (stuck !== 1) return undefined
      assert.deepEqual(troubles, ['setup of "broken" failed: the model is missing'])
      return true
    }, "all of it for scripts")
    writeFileSync(pipe, "")
  })

  test("kill -9 of up leaves no replica, not even one that is stuck in a loop", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", stuckSource("1"))
    await using cli = startUp(folder, {}, "--min", "2")
    const { url, managementUrl } = await cli.served()
    const { replicas } = await untilReady(managementUrl, 2)
    const lost = text(`${url}/crash`).catch(() => "lost")
    await eventually(() => existsSync(join(folder.path, "stuck")) || undefined, "one to be stuck")
    cli.child.kill("SIGKILL")
    await eventually(
      () => !replicas.some(({ pid }) => isRunning(pid)) || undefined,
      "the replicas to end",
    )
    assert.equal(await lost, "lost")
  })

  test("a disk that is full for its log ends nothing, and is said once", async () => {
    const full = openSync("/dev/full", "w")
    const stderr = await servesWith([full, "pipe"], false)
    closeSync(full)
    assert.equal(stderr, "capstan: The log can't be written (ENOSPC); the service goes on.\n")
  })

  test("when nobody reads its output or its errors any more, it goes on serving", async () => {
    await servesWith(["pipe", "pipe"], true)
  })

  test("what has no room, or is out of its range, is refused with what is allowed", () => {
    const refuses = (flags: UpFlags, cores: number, message: RegExp, hint?: RegExp): void => {
      assert.throws(
        () => resolveUp(flags, cores),
        (error) => {
          assert.ok(error instanceof Failure)
          assert.equal(error.exitCode, 2)
          assert.match(error.message, message)
          if (hint !== undefined) assert.match(error.hint ?? "", hint)
          return true
        },
      )
    }
    const crossed = /--min-replicas is 5 and --max-replicas 3: at least cannot be more than at most/
    refuses({ minReplicas: "5", maxReplicas: "3" }, 8, crossed)
    const tooMany = /^9 replicas of 500m need 4.5 cores; this machine has 2 cores, room for 4/
    refuses({ maxReplicas: "9" }, 2, tooMany, /--max-replicas and --min-replicas, or .* --cpu/)
    refuses({ minReplicas: "3" }, 1, /3 replicas of 500m need 1.5 cores; this machine has 1 core,/)
    refuses({ cpu: "2" }, 1.5, /--cpu is 2: more than there is, this machine has 1.5 cores/)
    refuses({ syncMs: "5" }, 2, /--sync-ms is 5; it must be a whole number from 1000 to 600000/)
    refuses({ signal: "noise" }, 2, /--signal is "noise"; it must be one of cpu, demand/)
    refuses({ maxReplicas: "0" }, 2, /--max-replicas is 0; it must be a whole number from 1 to/)

    // One core has room for two of the usual request, each with one worker.
    const { scaling, workers } = resolveUp({}, 1)
    assert.deepEqual([scaling.minReplicas, scaling.maxReplicas, workers], [1, 2, 1])
    assert.equal(resolveUp({}, 64).scaling.maxReplicas, 10)
    assert.equal(resolveUp({ cpu: "1500m" }, 8).workers, 2)
  })

  test("what the configuration file says of the deployment counts here as well, and flags over it", () => {
    const layer = (values: object) => [{ values, spelt: (name: string) => `file: ${name}` }]
    const configured = layer({ cpu: "250m", targetCpu: 55, maxReplicas: 30, expose: "NodePort" })
    const { cpuMilli, targetPercent, maxReplicas } = resolveUp({}, 1, configured).scaling
    // No more than there is room for: the file is about a cluster.
    assert.deepEqual([cpuMilli, targetPercent, maxReplicas], [250, 55, 4])
    assert.equal(resolveUp({ cpu: "100m" }, 1, configured).scaling.cpuMilli, 100)
    assert.throws(
      () => resolveUp({}, 1, layer({ cpu: "fast" })),
      /file: cpu is "fast"; it must be CPUs/,
    )
  })

  test("what can't be served ends the command and says why", async () => {
    using folder = new TemporaryFolder()
    folder.write("service.mjs", serviceSource("1"))
    folder.write("broken.ts", 'import "./missing.ts"\n')
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve))
    const { port } = taken.address() as { port: number }
    const another = createHttpServer((_, response) => response.end('{"ready":1}'))
    await new Promise<void>((resolve) => another.listen(0, "127.0.0.1", resolve))
    const other = another.address() as { port: number }
    const refuses = async (args: readonly string[], code: number, says: RegExp): Promise<void> => {
      const ended = await runCli(args, { cwd: folder.path })
      assert.match(ended.stderr, says)
      assert.equal(ended.code, code, args.join(" "))
    }
    try {
      await Promise.all([
        refuses(["up", "broken.ts", ...ports], 1, /broken\.ts can't be served[\s\S]*missing\.ts/),
        refuses(
          ["up", "service.mjs", ...freePorts, "--web-port", `${port}`],
          1,
          /Port \d+, for the live page, is in use[\s\S]*--web-port/,
        ),
        refuses(["up", "service.mjs", "--stages", "soon"], 2, /stages "soon" can't be read/),
        refuses(["status", "--management-port", "1"], 1, /Nothing answers at port 1/),
        refuses(
          ["status", "--management-port", `${other.port}`],
          1,
          /What answers at port \d+ is not capstan up/,
        ),
      ])
    } finally {
      another.close()
      taken.close()
    }
  })

  test("the flags that a deployment has too mean the same, and docs/up.md has them all", () => {
    for (const name of ["minReplicas", "maxReplicas", "targetCpu", "cpu"] as const) {
      const { doc: _, why: _why, default: _default, ...ours } = upTable[name]
      const { doc: _doc, why: _its, default: _its2, ...theirs } = deploymentTable[name]
      assert.deepEqual(ours, theirs)
    }
    const page = read("docs/up.md")
    for (const [name, spec] of Object.entries<OptionSpec>(upTable)) {
      const row = `| \`${flag(name)}\` | ${spec.default ?? "–"} | ${spec.doc} ${spec.why} |`
      assert.ok(page.includes(row), `docs/up.md lacks the row\n${row}`)
    }
  })
})
