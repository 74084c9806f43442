/** `capstan load` as people run it: files, exit codes, Ctrl-C. */
import assert from "node:assert/strict"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { type AddressInfo, createServer } from "node:net"
import { test } from "node:test"
import { setTimeout } from "node:timers/promises"
import { CliProcess, runCli, TemporaryFolder } from "../support/cli.ts"
import { loadTarget } from "../support/load-target.ts"

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

test("a run without a page shows its progress, a table, and writes Locust's files and its own", async () => {
  await using target = await loadTarget()
  using folder = new TemporaryFolder()
  folder.write("load.ts", scenarioSource('await get("/a,b")'))
  const { code, stdout, stderr } = await runCli(
    ["load", "load.ts", "-H", target.url, "--headless", "--rate", "50/s", "-t", "1200ms"].concat([
      "--csv",
      "out",
      "--json",
      "out.json",
      "--threshold",
      "errors<1%",
      "--threshold",
      "p99<10s",
    ]),
    { cwd: folder.path },
  )
  assert.equal(stderr, "")
  assert.equal(code, 0)
  assert.match(stdout, /^scenario at http.*: 50 requests a second\n0:01\/0:01 .* 0 failed/)
  assert.match(stdout, /\nGET \/a,b +60 +0 +50\.0/)
  assert.match(stdout, /kept +errors<1% +\(measured: 0%\)/)
  assert.match(stdout, /is replaced after 30s or after 1000 requests/)

  const lines = (name: string): string[] =>
    readFileSync(`${folder.path}/out_${name}.csv`, "utf8").trimEnd().split("\r\n")
  const stats = lines("stats")
  assert.equal(stats[0], statsColumns)
  assert.match(stats[1] ?? "", /^GET,"\/a,b",60,0,/)
  assert.match(stats[2] ?? "", /^,Aggregated,60,0,/)
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
    60,
  )
})

test("a threshold that is crossed ends with 99, failures alone with 1, and allowed ones with 0", async () => {
  await using target = await loadTarget((_, response) => response.writeHead(500).end("no"))
  using folder = new TemporaryFolder()
  folder.write("load.ts", scenarioSource('await get("/")'))
  const run = (...more: string[]) =>
    runCli(
      ["load", "load.ts", "-H", target.url, "--headless", "--rate", "20/s", "-t", "300ms", ...more],
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

test("threads, an OpenAPI file, a comparison and a threshold that ends the run, by flags", async () => {
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
  const rate = ["--rate", "50/s", "-t", "1s"]
  const host = ["-H", target.url]
  const [threads, document, aborted] = await Promise.all([
    run("load.ts", ...host, ...rate, "--workers", "2", "--json", "first.json"),
    run(target.url, "--openapi", "api.yaml", ...rate),
    run(
      "bad.ts",
      ...host,
      "--rate",
      "20/s",
      "-t",
      "60s",
      "--threshold",
      "errors<1% abort after 1s",
    ),
  ])
  assert.deepEqual([threads.code, threads.stderr], [0, ""])
  const result = JSON.parse(readFileSync(`${folder.path}/first.json`, "utf8"))
  assert.deepEqual(
    result.threads.map(({ requests }: { requests: number }) => requests),
    [25, 25],
  )
  assert.equal(document.code, 0, document.stderr)
  assert.match(document.stdout, /From a file at[\s\S]*GET \/from-yaml +50 /)
  assert.equal(aborted.code, 99)
  assert.match(aborted.stdout, /\(threshold crossed\)[\s\S]*CROSSED +errors<1% abort after 1s/)
  const compared = await run(
    "load.ts",
    ...host,
    ...rate,
    "--compare",
    "first.json",
    "--html",
    "r.html",
  )
  assert.equal(compared.code, 0, compared.stderr)
  assert.match(compared.stdout, /Compared with first\.json/)
  assert.match(readFileSync(`${folder.path}/r.html`, "utf8"), /<!doctype html>[\s\S]*first\.json/)
})

test("a scenario that throws ends with 1, and says what, how often and where", async () => {
  await using target = await loadTarget()
  using folder = new TemporaryFolder()
  folder.write("load.ts", scenarioSource('await get("/"); throw new Error("out of luck")'))
  const args = ["load", "load.ts", "-H", target.url, "--headless", "--rate", "20/s", "-t", "300ms"]
  const { code, stdout } = await runCli([...args, "--csv", "out"], { cwd: folder.path })
  assert.equal(code, 1)
  assert.match(stdout, /The scenario threw:\n +6 +home +Error: out of luck/)
  assert.match(readFileSync(`${folder.path}/out_exceptions.csv`, "utf8"), /load\.ts:2/)
})

test("Ctrl-C ends the run, prints and writes everything; a second one ends it at once", async () => {
  await using target = await loadTarget()
  using folder = new TemporaryFolder()
  folder.write("load.ts", scenarioSource('await get("/")'))
  const args = ["load", "load.ts", "-H", target.url, "--headless", "--rate", "50/s", "--csv", "out"]
  {
    await using cli = new CliProcess(args, { cwd: folder.path })
    await cli.output(/0:01 .* sent/)
    cli.child.kill("SIGINT")
    assert.deepEqual(await cli.ended, { code: 0, signal: null })
    assert.match(cli.stdout, /\(stopped\)[\s\S]*GET \/ /)
    assert.match(cli.stderr, /Ending the run/)
    assert.match(readFileSync(`${folder.path}/out_stats.csv`, "utf8"), /Aggregated/)
  }
  await using hung = await loadTarget(() => {})
  const hanging = args.map((arg) => (arg === target.url ? hung.url : arg))
  await using cli = new CliProcess(hanging, { cwd: folder.path })
  await cli.output(/0:01 /)
  cli.child.kill("SIGINT")
  await cli.output(/Ending the run/)
  // Sooner than this it would be the same Ctrl-C, passed on by npm.
  await setTimeout(150)
  cli.child.kill("SIGINT")
  assert.deepEqual(await cli.ended, { code: 130, signal: null })
})

test("a mistake in the command line says what and what to do, before anything is sent", async () => {
  await using target = await loadTarget()
  using folder = new TemporaryFolder()
  folder.write("load.ts", scenarioSource('await get("/")'))
  folder.write("none.ts", "export default 5")
  folder.write("broken.ts", "export default {{")
  folder.write("enum.ts", "enum Colour { red }\nexport default Colour.red")
  folder.write("threw.ts", "const rows = undefined as unknown as string[]\nrows.map(String)")
  const refuses = async (
    args: readonly string[],
    code: number,
    expected: RegExp,
  ): Promise<void> => {
    const ended = await runCli(["load", ...args], { cwd: folder.path })
    assert.match(ended.stderr, expected)
    assert.equal(ended.code, code, ended.stderr)
    assert.equal(ended.stdout, "")
  }
  await using busy = createServer().listen(0, "127.0.0.1")
  await once(busy, "listening")
  const { port } = busy.address() as AddressInfo
  await Promise.all([
    refuses([], 2, /Load on what\?/),
    refuses([target.url, "--rate", "fast"], 2, /--rate is "fast".*200\/s/),
    refuses([target.url, "-t", "5 minutes"], 2, /--run-time is "5 minutes".*1h30m/),
    refuses([target.url, "-u", "5", "--rate", "9"], 2, /users and rate exclude each other/),
    refuses([target.url, "--threshold", "quick"], 2, /threshold "quick" can't be read/),
    refuses([target.url, "--header", "oops"], 2, /--header is "oops"/),
    refuses([target.url, "-H", target.url], 2, /--host goes with a scenario/),
    refuses([target.url, "--headless", "-P", "0"], 2, /--web-port has no meaning with --headless/),
    refuses(
      [target.url, "--json", "no/such/folder.json"],
      2,
      /no\/such\/folder.json can't be written/,
    ),
    refuses(
      [target.url, "-P", String(port)],
      1,
      /Port \d+, for the live page, is in use[\s\S]*--web-port/,
    ),
    refuses(["load.ts"], 2, /Where shall the scenario go\?/),
    refuses(["none.ts", "-H", target.url], 2, /none\.ts does not export a scenario/),
    refuses(["broken.ts", "-H", target.url], 1, /broken\.ts can't be run[\s\S]*SyntaxError/),
    refuses(["enum.ts", "-H", target.url], 1, /enum\.ts can't be run[\s\S]*erasableSyntaxOnly/),
    refuses(["threw.ts", "-H", target.url], 1, /threw\.ts:2[\s\S]*Cannot read properties/),
    refuses(["load.ts", "-H", target.url, "--openapi", "x"], 2, /--openapi goes with a URL/),
    refuses([target.url, "--openapi", "none.ts"], 2, /none\.ts is no OpenAPI document/),
    refuses([target.url, "--openapi", "gone.json"], 2, /gone\.json can't be read \(ENOENT\)/),
    refuses([target.url, "--workers", "0"], 2, /workers is 0; it must be from 1 to 64/),
    refuses([target.url, "--compare", "none.ts"], 2, /none\.ts is not JSON/),
    refuses([`${target.url}/nothing`, "--headless"], 2, /openapi\.json is not JSON|is not JSON/),
  ])
})
