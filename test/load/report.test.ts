/** What is told and written of a run: files, their formats, the terminal, and what goes wrong. */
import assert from "node:assert/strict"
import { readdirSync, readFileSync, rmSync } from "node:fs"
import { test } from "node:test"
import { Ajv2020 } from "ajv/dist/2020.js"
import type { LoadFlags } from "../../src/cli/load-flags.ts"
import { type Out, Progress } from "../../src/cli/load-progress.ts"
import { Reports } from "../../src/cli/load-reports.ts"
import { exceptionsCsv, failuresCsv, statsCsv } from "../../src/load/report/csv.ts"
import { unwritable, writeReports } from "../../src/load/report/files.ts"
import { readResult, stored } from "../../src/load/report/stored.ts"
import { resultText } from "../../src/load/report/table.ts"
import type { Snapshot } from "../../src/load/result.ts"
import { scenario } from "../../src/load/scenario/scenario.ts"
import { runCli, TemporaryFolder } from "../support/cli.ts"
import { madeResult } from "../support/load-result.ts"
import { patientLoad } from "../support/load-run.ts"
import { loadTarget } from "../support/load-target.ts"
import { read } from "../support/repository.ts"
import { VirtualTerminal } from "../support/virtual-terminal.ts"

const some = madeResult([{ latenciesMs: [1, 2, 30] }, { latenciesMs: [4], failures: 1 }], {
  failures: [
    {
      method: "GET",
      name: "/a/rather/long/name/that/goes/on/{and}/on/{and}/on",
      kind: "status",
      error: "503 Service \u001b[2JUnavailable",
      occurrences: 1,
      firstSeenMs: 0,
      lastSeenMs: 1234,
      example: "no",
    },
  ],
  exceptions: [
    {
      task: "buy",
      message: "Error: no",
      stack: "Error: no\n    at x",
      occurrences: 2,
      firstSeenMs: 0,
      lastSeenMs: 0,
    },
  ],
})

/** The published schema, and beyond it that it knows every field that there is. */
function validate(result: unknown): void {
  const strict = JSON.parse(read("docs/load-result.schema.json"), (_, value) =>
    value?.type === "object" && value.properties !== undefined
      ? { ...value, additionalProperties: false }
      : value,
  )
  const ajv = new Ajv2020({
    allErrors: true,
    strictTypes: false,
    formats: { "date-time": /^\d{4}-.*Z$/ },
  })
  const isValid = ajv.validate(strict, JSON.parse(JSON.stringify(result)))
  assert.ok(isValid, ajv.errorsText(ajv.errors?.slice(0, 5)))
}

test("the JSON of real runs is what its schema says, and is read back as it was", async () => {
  await using target = await loadTarget((request, response) => {
    response.writeHead(request.url === "/bad" ? 500 : 200).end("ok")
  })
  const visits = scenario({
    tasks: {
      good: ({ get }) => get("/"),
      bad: ({ get }) => get("/bad"),
      odd: () => {
        throw new Error("no")
      },
    },
  })
  const withLogin = target.url.replace("//", "//someone:secret@")
  const config = { target: withLogin, scenario: visits }
  // Long enough for a second to be closed, and a point of the history to be there.
  const [open, closed] = await Promise.all([
    patientLoad({ ...config, rate: 60, runTimeMs: 1100, thresholds: ["p99<1s"] }),
    patientLoad({ ...config, users: 2, runTimeMs: 300 }),
  ])
  using folder = new TemporaryFolder()
  for (const result of [open, closed]) {
    validate(result)
    assert.equal(result.target, `${target.url}/`, "a login in a URL is nobody's to read")
    const path = `${folder.path}/${result.model}.json`
    assert.deepEqual(await writeReports(result, { json: path }), {
      failed: new Map(),
      rescued: undefined,
    })
    assert.deepEqual(await readResult(path), stored(result))
  }
  assert.ok(open.exceptions.length > 0 && open.failures.length > 0 && open.history.length > 0)
})

test("the schema's guard fires", () => {
  assert.throws(() => validate({ ...some, model: "ajar" }), /model/)
  assert.throws(() => validate({ ...some, total: { ...some.total, extra: 1 } }), /additional/)
  const { history: _, ...less } = some
  assert.throws(() => validate(less), /history/)
})

test("what is no result, or one of another format, is told apart", async () => {
  using folder = new TemporaryFolder()
  const refuses = async (text: string, expected: RegExp): Promise<void> => {
    await assert.rejects(readResult(folder.write("file.json", text)), expected)
  }
  await assert.rejects(
    readResult(`${folder.path}/none.json`),
    /none\.json can't be read \(ENOENT\)/,
  )
  await refuses("{", /is not JSON\. Give the file that --json wrote/)
  await refuses("[]", /is not a result of capstan load/)
  await refuses('{"format":"other"}', /is not a result of capstan load/)
  await refuses(
    JSON.stringify({ ...some, format: "capstan-load-0" }),
    /is of the format "capstan-load-0".*this one reads "capstan-load-1"/,
  )
  await refuses('{"format":"capstan-load-1"}', /parts of it are missing/)
})

test("a report that can't be written keeps none of the others, and the result finds a place", async () => {
  using folder = new TemporaryFolder()
  const at = (name: string): string => `${folder.path}/${name}`
  folder.write("file", "")
  const bad = { csv: at("gone/out"), json: "/dev/full", html: at("report.html") }
  const { failed, rescued } = await writeReports(some, bad)
  assert.deepEqual(
    Array.from(failed, ([path, error]) => [path, (error as NodeJS.ErrnoException).code]),
    [
      ["/dev/full", "ENOSPC"],
      ...["stats", "stats_history", "failures", "exceptions"].map((name) => [
        at(`gone/out_${name}.csv`),
        "ENOENT",
      ]),
    ],
  )
  assert.match(readFileSync(at("report.html"), "utf8"), /<\/html>/)
  assert.ok(rescued !== undefined)
  assert.deepEqual(await readResult(rescued), stored(some))
  rmSync(rescued.replace(/[^/]*$/, ""), { recursive: true })

  const found = await unwritable({ csv: at("file/out"), json: folder.path, html: at("new.html") })
  assert.deepEqual(
    Array.from(found, ([, error]) => (error as NodeJS.ErrnoException).code),
    ["EISDIR", "ENOTDIR", "ENOTDIR", "ENOTDIR", "ENOTDIR"],
  )
  assert.deepEqual(readdirSync(folder.path), ["file", "report.html"])
})

test("what can't be written or compared is said before the run, in words", async () => {
  using folder = new TemporaryFolder()
  const file = folder.write("old.json", '{"format":"capstan-load-9"}')
  const refuses = (flags: LoadFlags, expected: RegExp): Promise<void> =>
    assert.rejects(Reports.open(flags), expected)
  await refuses({ html: `${folder.path}/no/report.html` }, /can't be written: its folder does not/)
  await refuses({ csv: `${file}/out` }, /out_stats\.csv can't be written: its folder is a file/)
  await refuses({ json: folder.path }, /can't be written: it is a folder/)
  await refuses({ html: "one", json: "one" }, /Two reports would be written to one\./)
  await refuses({ compare: file }, /old\.json is of the format "capstan-load-9"/)
  assert.deepEqual(readdirSync(folder.path), ["old.json"])
})

test("a disk that is full in the end costs one report, is told, and ends with 1", async () => {
  await using target = await loadTarget()
  using folder = new TemporaryFolder()
  const module = new URL("../../src/load/index.ts", import.meta.url).href
  folder.write(
    "load.ts",
    `import { scenario } from ${JSON.stringify(module)}
export default scenario({ tasks: { home: ({ get }) => get("/") } })`,
  )
  folder.write("old.json", JSON.stringify(some))
  const { code, stdout, stderr } = await runCli(
    ["load", "load.ts", "-H", target.url, "--headless", "--rate", "100/s", "-t", "250ms"].concat(
      ["--json", "/dev/full", "--html", "report.html", "--compare", "old.json"],
      ["--header", "x-key: secret", "--header=x-other: secret"],
    ),
    { cwd: folder.path },
  )
  assert.equal(code, 1, stdout + stderr)
  assert.match(stderr, /\/dev\/full could not be written: the disk is full/)
  const [, rescued = ""] = /The whole result is in (\S+)\./.exec(stderr) ?? []
  assert.equal((await readResult(rescued)).total.requests, 25)
  rmSync(rescued.replace(/[^/]*$/, ""), { recursive: true })
  assert.match(stdout, /Compared with old\.json, of 2026-11-24 09:30:00 UTC/)
  const html = readFileSync(`${folder.path}/report.html`, "utf8")
  const [, command = ""] = /<dt>Command<\/dt><dd><code>(.*?)<\/code>/.exec(html) ?? []
  assert.match(
    command,
    /^capstan load load\.ts -H .* &#39;x-key: …&#39; &#39;--header=x-other: …&#39;$/,
  )
  assert.doesNotMatch(html, /secret/)
})

test("failures and exceptions are told as Locust does", () => {
  assert.equal(
    failuresCsv(some).split("\r\n")[1],
    "GET,/a/rather/long/name/that/goes/on/{and}/on/{and}/on,503 Service \u001b[2JUnavailable,1,1970-01-01T00:00:00Z,1970-01-01T00:00:01Z",
  )
  assert.equal(
    exceptionsCsv(some),
    'Count,Message,Traceback,Nodes\r\n2,buy: Error: no,"Error: no\n    at x",local\r\n',
  )
})

test("a text that a spreadsheet would take for a formula is one no more", () => {
  const [failure] = some.failures
  const line = (name: string, error: string): string | undefined =>
    failuresCsv({ failures: [{ ...failure!, method: "GET", name, error }] }).split(/\r\n(?!,|")/)[1]
  for (const sign of ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"]) {
    assert.match(line(`${sign}1`, `${sign}2`) ?? "", new RegExp(`^GET,'\\${sign}1,'\\${sign}2,1,`))
  }
  assert.match(line("\t=1", "\r=2") ?? "", /^GET,"'\t=1","'\r=2",/)
  assert.match(line('="a";1', "a;=1") ?? "", /^GET,"'=""a"";1","a;=1",/)
  assert.match(line("a=1", "b-2 +3@x") ?? "", /^GET,a=1,b-2 \+3@x,/, "only where a cell begins")
  const rows = [{ ...some.total, method: "@GET", name: "=cmd" }]
  assert.match(statsCsv({ rows, total: some.total }), /\r\n'@GET,'=cmd,\d/)
  const [thrown] = some.exceptions
  const exceptions = [{ ...thrown!, task: "=x", message: "m", stack: "+y" }]
  assert.match(exceptionsCsv({ exceptions }), /\r\n\d+,'=x: m,'\+y,local\r\n/)
})

test("the final text fits the terminal, and holds nothing that steers it", () => {
  for (const width of [40, 60, 80]) {
    const text = resultText(some, { width })
    for (const line of text.split("\n")) assert.ok(line.length <= width, `${width}: ${line}`)
    assert.match(text, /p99/)
    assert.match(text, /503 Service/)
    assert.ok(!text.includes("\u001b"))
  }
  assert.match(resultText(some), /requests +failed +req\/s +p50 +p95 +p99 +max\n/)
  assert.doesNotMatch(resultText(some, { width: 45 }), /max/)
  assert.match(resultText(some), /The scenario threw:\n +2 {2}buy {2}Error: no/)
})

function snapshot(second: number, more: Partial<Snapshot> = {}): Snapshot {
  const { total, history, phases, generator } = some
  return {
    elapsedMs: second * 1000,
    point: { ...history[0]!, requestsPerS: 10 * second },
    total,
    rows: [],
    phases,
    failures: some.failures,
    exceptions: [],
    generator,
    threads: [],
    notes: [],
    ...more,
  }
}

test("the live screen stays one screen, whatever the terminal does, and leaves nothing behind", () => {
  const terminal = new VirtualTerminal(80, 24)
  const progress = new Progress(true, 60_000, terminal)
  terminal.write("shop at http://target: 10 requests a second\n")
  for (let second = 1; second <= 70; second++) progress.show(snapshot(second))
  const target = { replicas: { wanted: 3, present: 3, ready: 2 }, cpuCores: 1.5, queued: 7 }
  progress.show(snapshot(71, { point: { ...snapshot(71).point, target } }))
  const shown = terminal.lines()
  assert.equal(shown.filter((line) => /p50/.test(line)).length, 1)
  assert.match(shown.join("\n"), /requests\/s +[▁▂▃▄▅▆▇█ ]+ {2}710 {2}of 10\.0/)
  assert.match(shown.join("\n"), /target +2 of 3 replicas ready {2}CPU 1\.50 cores {2}7 queued/)
  assert.match(shown.join("\n"), /1× GET \/a\/rather.*503 Service �\[2JUnavailable/)

  for (const columns of [60, 34, 20, 120]) {
    terminal.resize(columns)
    progress.show(snapshot(72))
    assert.equal(
      terminal.lines().filter((line) => /p50/.test(line)).length,
      1,
      `${columns} columns`,
    )
  }
  progress.end()
  assert.deepEqual(terminal.lines(), ["shop at http://target: 10 requests a second"])
})

test("colours only where they are wanted, and plain lines where there is no terminal", () => {
  const written = (out: Partial<Out>): string => {
    let text = ""
    const write = (more: string): void => {
      text += more
    }
    const progress = new Progress(false, undefined, { columns: 80, rows: 24, ...out, write })
    progress.show(snapshot(1))
    progress.end()
    return text
  }
  assert.ok(written({ isTTY: true, hasColors: () => true }).includes("\u001b[2mlatency"))
  assert.doesNotMatch(written({ isTTY: true, hasColors: () => false }), /\[\d*m/)
  assert.match(
    written({ isTTY: false }),
    /^0:01 {2}10 users {2}10\.0\/s {2}4 sent {2}1 failed {2}p50 [^\n]*\n$/,
  )
})
