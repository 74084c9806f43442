/** `capstan load` as people run it: files, exit codes, Ctrl-C. */
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import type { IncomingHttpHeaders } from "node:http"
import { type AddressInfo, createServer } from "node:net"
import { describe, test } from "node:test"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { cleanEnv } from "../support/clean-env.ts"
import { CliProcess, runCli, TemporaryFolder } from "../support/cli.ts"
import type { CommandLine } from "../support/command-lines.ts"
import { madeResult } from "../support/load-result.ts"
import { loadTarget } from "../support/load-target.ts"
import { patienceMs } from "../support/patience.ts"

const execute = promisify(execFile)
const commandLines = fileURLToPath(new URL("../support/command-lines.ts", import.meta.url))
const capstanLoad = new URL("../../src/load/index.ts", import.meta.url).href

function scenarioSource(body: string): string {
  return `import { scenario } from ${JSON.stringify(capstanLoad)}
export default scenario({ tasks: { home: async ({ get }) => { ${body} } } })
`
}

const statsColumns =
  "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%"
const historyColumns =
  "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,100%,Total Request Count,Total Failure Count,Total Median Response Time,Total Average Response Time,Total Min Response Time,Total Max Response Time,Total Average Content Size"

// They wait for seconds to pass; so two do it together.
describe("capstan load", { concurrency: 2 }, () => {
  test("a run without a page shows its progress, a table, and writes Locust's files, its own and a comparison", async () => {
    await using target = await loadTarget()
    using folder = new TemporaryFolder()
    folder.write("load.ts", scenarioSource('await get("/a,b")'))
    folder.write("old.json", JSON.stringify(madeResult([{ latenciesMs: [1, 2, 3] }])))
    const { code, stdout, stderr } = await runCli(
      ["load", "load.ts", "-H", target.url, "--headless", "--rate", "50/s", "-t", "1100ms"].concat([
        "--csv",
        "out",
        "--json",
        "out.json",
        "--threshold",
        "errors<1%",
        "--threshold",
        "p99<1h",
        ...["--compare", "old.json", "--html", "r.html"],
      ]),
      { cwd: folder.path },
    )
    assert.equal(stderr, "")
    assert.equal(code, 0)
    assert.match(stdout, /^scenario at http.*: 50 requests a second\n\d:\d\d\/0:01 .* 0 failed/)
    assert.match(stdout, /\nGET \/a,b +55 +0 +50\.0/)
    assert.match(stdout, /kept +errors<1% +\(measured: 0%\)/)
    assert.match(stdout, /is replaced after 30s or after 1000 requests/)
    assert.match(stdout, /Compared with old\.json/)
    assert.match(readFileSync(`${folder.path}/r.html`, "utf8"), /<!doctype html>[\s\S]*old\.json/)

    const lines = (name: string): string[] =>
      readFileSync(`${folder.path}/out_${name}.csv`, "utf8").trimEnd().split("\r\n")
    const stats = lines("stats")
    assert.equal(stats[0], statsColumns)
    assert.match(stats[1] ?? "", /^GET,"\/a,b",55,0,/)
    assert.match(stats[2] ?? "", /^,Aggregated,55,0,/)
    assert.equal(stats[2]?.split(",").length, statsColumns.split(",").length)
    const history = lines("stats_history")
    assert.equal(history[0], historyColumns)
    assert.match(history[1] ?? "", /^\d{10},\d+,,Aggregated,/)
    assert.equal(history[1]?.split(",").length, historyColumns.split(",").length)
    assert.deepEqual(lines("failures"), ["Method,Name,Error,Occurrences,First Seen,Last Seen"])

    const result = JSON.parse(readFileSync(`${folder.path}/out.json`, "utf8"))
    assert.equal(result.format, "capstan-load-1")
    const counts = result.total.latencyHistogram.map(([, count]: [number, number]) => count)
    assert.equal(
      counts.reduce((sum: number, count: number) => sum + count),
      55,
    )
  })

  test("a threshold that is crossed ends with 99, failures alone with 1, and allowed ones with 0", async () => {
    await using target = await loadTarget((_, response) => response.writeHead(500).end("no"))
    using folder = new TemporaryFolder()
    folder.write("load.ts", scenarioSource('await get("/")'))
    const run = (...more: string[]) =>
      runCli(
        [
          "load",
          "load.ts",
          "-H",
          target.url,
          "--headless",
          "--rate",
          "20/s",
          "-t",
          "300ms",
          ...more,
        ],
        { cwd: folder.path },
      )
    const [plain, allowed, crossed] = await Promise.all([
      run(),
      run("--threshold", "errors<=100%"),
      run("--threshold", "errors<50%"),
    ])
    assert.equal(plain.code, 1)
    assert.match(plain.stdout, /Failures:\n +6 +GET \/ +500 Internal Server Error/)
    assert.equal(allowed.code, 0)
    assert.equal(crossed.code, 99)
    assert.match(crossed.stdout, /CROSSED +errors<50% +\(measured: 100%\)/)
  })

  test("threads, an OpenAPI file and a threshold that ends the run, by flags", async () => {
    await using target = await loadTarget((request, response) => {
      if (request.url === "/bad") response.statusCode = 500
      response.end()
    })
    using folder = new TemporaryFolder()
    folder.write("load.ts", scenarioSource('await get("/")'))
    folder.write("bad.ts", scenarioSource('await get("/bad")'))
    folder.write(
      "api.yaml",
      "openapi: 3.1.0\ninfo: { title: From a file, version: '1' }\npaths: { /from-yaml: { get: {} } }\n",
    )
    const run = (...args: string[]) => runCli(["load", ...args, "--headless"], { cwd: folder.path })
    const rate = ["--rate", "100/s", "-t", "300ms"]
    const host = ["-H", target.url]
    const [threads, document, aborted] = await Promise.all([
      run("load.ts", ...host, ...rate, "--workers", "2", "--json", "threads.json"),
      run(target.url, "--openapi", "api.yaml", ...rate),
      run(
        "bad.ts",
        ...host,
        "--rate",
        "20/s",
        "-t",
        "1h",
        "--threshold",
        "errors<1% abort after 1s",
      ),
    ])
    assert.deepEqual([threads.code, threads.stderr], [0, ""])
    const result = JSON.parse(readFileSync(`${folder.path}/threads.json`, "utf8"))
    assert.deepEqual(
      result.threads.map(({ requests }: { requests: number }) => requests),
      [15, 15],
    )
    assert.equal(document.code, 0, document.stderr)
    assert.match(document.stdout, /From a file at[\s\S]*GET \/from-yaml +30 /)
    assert.equal(aborted.code, 99)
    assert.match(aborted.stdout, /\(threshold crossed\)[\s\S]*CROSSED +errors<1% abort after 1s/)
  })

  test("a scenario that throws ends with 1, and says what, how often and where", async () => {
    await using target = await loadTarget()
    using folder = new TemporaryFolder()
    folder.write("load.ts", scenarioSource('await get("/"); throw new Error("out of luck")'))
    const args = [
      "load",
      "load.ts",
      "-H",
      target.url,
      "--headless",
      "--rate",
      "20/s",
      "-t",
      "300ms",
    ]
    const { code, stdout } = await runCli([...args, "--csv", "out"], { cwd: folder.path })
    assert.equal(code, 1)
    assert.match(stdout, /The scenario threw:\n +6 +home +Error: out of luck/)
    assert.match(readFileSync(`${folder.path}/out_exceptions.csv`, "utf8"), /load\.ts:2/)
  })

  test("Ctrl-C ends the run, prints and writes everything; a second one ends it at once", async () => {
    await using target = await loadTarget()
    using folder = new TemporaryFolder()
    folder.write("load.ts", scenarioSource('await get("/")'))
    const args = [
      "load",
      "load.ts",
      "-H",
      target.url,
      "--headless",
      "--rate",
      "50/s",
      "--csv",
      "out",
    ]
    {
      await using cli = new CliProcess(args, { cwd: folder.path })
      await cli.output(/0:01 .* sent/)
      cli.child.kill("SIGINT")
      const ended = await cli.ended
      // Where others took its CPU for seconds it says that, and ends with 98.
      const code = /The generator (had no CPU left|was more than)/.test(cli.stdout) ? 98 : 0
      assert.deepEqual(ended, { code, signal: null })
      assert.match(cli.stdout, /\(stopped\)[\s\S]*GET \/ /)
      assert.match(cli.stderr, /Ending the run/)
      assert.match(readFileSync(`${folder.path}/out_stats.csv`, "utf8"), /Aggregated/)
    }
    await using hung = await loadTarget(() => {})
    const hanging = args.map((arg) => (arg === target.url ? hung.url : arg))
    await using cli = new CliProcess(hanging, { cwd: folder.path })
    await once(hung.server, "request")
    cli.child.kill("SIGINT")
    await cli.output(/Ending the run/)
    // Sooner than this it would be the same Ctrl-C, passed on by npm.
    await setTimeout(150)
    cli.child.kill("SIGINT")
    assert.deepEqual(await cli.ended, { code: 130, signal: null })
  })

  test("headers come from a file, and those that were typed are taken out of the list of processes", async () => {
    using folder = new TemporaryFolder()
    folder.write(
      "headers.txt",
      "\ufeff# who asks\r\nAuthorization: Bearer s3cret:1\r\n\r\nx-empty:\n",
    )
    folder.write("api.json", JSON.stringify({ openapi: "3.1.0", paths: { "/a": { get: {} } } }))
    const asked = Promise.withResolvers<IncomingHttpHeaders>()
    const seen = Promise.withResolvers<string>()
    await using target = await loadTarget(({ headers }, response) => {
      asked.resolve(headers)
      void seen.promise.then(() => response.end("ok"))
    })
    await using cli = new CliProcess(
      ["load", target.url.replace("://", "://user:s3cret@"), "--headless", "--rate", "10/s"].concat(
        ["-t", "200ms", "--openapi", "api.json", "--header", "@headers.txt"],
        ["--header", "x-key: s3cret", "--header=x-other:s3cret"],
      ),
      { cwd: folder.path },
    )
    const headers = await asked.promise
    assert.equal(headers.authorization, "Bearer s3cret:1")
    assert.deepEqual(
      [headers["x-empty"], headers["x-key"], headers["x-other"]],
      ["", "s3cret", "s3cret"],
    )
    if (process.platform === "linux") {
      const told = ["cmdline", "environ"].map((file) =>
        readFileSync(`/proc/${cli.child.pid}/${file}`, "utf8"),
      )
      assert.doesNotMatch(told.join("\n"), /s3cret/)
      assert.match(told[0] ?? "", /^capstan load http:\/\/…@127.* @headers\.txt .*'x-key: …'/)
    }
    seen.resolve("")
    assert.equal((await cli.ended).code, 0, cli.stderr)
    assert.doesNotMatch(cli.stdout + cli.stderr, /s3cret/)
  })

  test("a mistake in the command line says what and what to do, before anything is sent", async () => {
    await using target = await loadTarget()
    using folder = new TemporaryFolder()
    folder.write("load.ts", scenarioSource('await get("/")'))
    folder.write("none.ts", "export default 5")
    folder.write("broken.ts", "export default {{")
    folder.write("enum.ts", "enum Colour { red }\nexport default Colour.red")
    folder.write("threw.ts", "const rows = undefined as unknown as string[]\nrows.map(String)")
    await using busy = createServer().listen(0, "127.0.0.1")
    await once(busy, "listening")
    const { port } = busy.address() as AddressInfo
    const mistakes: readonly (readonly [args: string[], code: number, expected: RegExp])[] = [
      [[], 2, /Load on what\?/],
      [[target.url, "--rate", "fast"], 2, /--rate is "fast".*200\/s/],
      [[target.url, "-t", "5 minutes"], 2, /--run-time is "5 minutes".*1h30m/],
      [[target.url, "-u", "5", "--rate", "9"], 2, /users and rate exclude each other/],
      [[target.url, "--threshold", "quick"], 2, /threshold "quick" can't be read/],
      [[target.url, "--header", "oops"], 2, /^(?!.*oops).*A --header has no name.*@FILE/],
      [[target.url, "--header", "@gone"], 2, /--header @gone: gone can't be read \(ENOENT\)/],
      [[target.url, "--header", "@none.ts"], 2, /--header @none\.ts: line 1 has no name; it must/],
      [[target.url, "-H", target.url], 2, /--host goes with a scenario/],
      [[target.url, "--headless", "-P", "0"], 2, /--web-port has no meaning with --headless/],
      [[target.url, "--json", "no/such/folder.json"], 2, /no\/such\/folder.json can't be written/],
      [
        [target.url, "-P", String(port)],
        1,
        /Port \d+, for the live page, is in use[\s\S]*--web-port/,
      ],
      [["load.ts"], 2, /Where shall the scenario go\?/],
      [["none.ts", "-H", target.url], 2, /none\.ts does not export a scenario/],
      [["broken.ts", "-H", target.url], 1, /broken\.ts can't be run[\s\S]*SyntaxError/],
      [["enum.ts", "-H", target.url], 1, /enum\.ts can't be run[\s\S]*erasableSyntaxOnly/],
      [["threw.ts", "-H", target.url], 1, /threw\.ts:2[\s\S]*Cannot read properties/],
      [["load.ts", "-H", target.url, "--openapi", "x"], 2, /--openapi goes with a URL/],
      [[target.url, "--openapi", "none.ts"], 2, /none\.ts is no OpenAPI document/],
      [[target.url, "--openapi", "gone.json"], 2, /gone\.json can't be read \(ENOENT\)/],
      [[target.url, "--workers", "0"], 2, /workers is 0; it must be from 1 to 64/],
      [[target.url, "--compare", "none.ts"], 2, /none\.ts is not JSON/],
      [[`${target.url}/nothing`, "--headless"], 2, /openapi\.json is not JSON|is not JSON/],
    ]
    const lines = JSON.stringify(mistakes.map(([args]) => ["load", ...args]))
    const env = cleanEnv()
    const { stdout } = await execute(process.execPath, [commandLines, lines], {
      ...{ cwd: folder.path, env, timeout: patienceMs() },
    })
    for (const [at, ended] of (JSON.parse(stdout) as CommandLine[]).entries()) {
      const [args, code, expected] = mistakes[at]!
      assert.match(ended.stderr, expected)
      assert.equal(ended.code, code, `${args}: ${ended.stderr}`)
      assert.equal(ended.stdout, "")
    }

    // As a process of its own it ends with that code.
    const [typed, broken] = await Promise.all([
      runCli(["load"], { cwd: folder.path }),
      runCli(["load", "broken.ts", "-H", target.url], { cwd: folder.path }),
    ])
    assert.deepEqual([typed.code, typed.stdout], [2, ""])
    assert.match(typed.stderr, /Load on what\?/)
    assert.deepEqual([broken.code, broken.stdout], [1, ""])
    assert.match(broken.stderr, /broken\.ts can't be run[\s\S]*SyntaxError/)
  })
})
