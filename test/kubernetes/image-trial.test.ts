/** The bundle is started once before an image is called done, and nothing of that is left. */
import assert from "node:assert/strict"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, suite, test } from "node:test"
import { pathToFileURL } from "node:url"
import { complaint, Failure } from "../../src/cli/failure.ts"
import { tryBundle } from "../../src/cli/image-trial.ts"
import { loadService } from "../../src/service/module.ts"
import { Project } from "../support/bundled.ts"
import { eventually, isRunning } from "../support/cli.ts"
import { StandInPrograms } from "../support/stand-in-programs.ts"

const other = process.arch === "arm64" ? "linux/amd64" : "linux/arm64"

/** A service that answers the given, with a `setup`. */
function withSetup(setup: string, answer = '"ok"', more = ""): string {
  return `import { readFileSync } from "node:fs"
import { isMainThread } from "node:worker_threads"
import { bytes } from "capstan"
import { asking, serving } from "./operations.ts"
const schema = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }),
  jsonSchema: { input: () => ({ type: "object", properties: { "x-key": {} } }), output: () => ({}) } } }
const text = (path) => readFileSync(path, "utf8")
export default serving({ one: asking("/one", async () => ${answer}, { setup: async () => { ${setup} } }), ${more} })
`
}

/** An operation with a parameter in its path, a query, a header and a body of bytes. */
function posting(run: string): string {
  return `two: asking("/two/{id}", ${run}, {
  method: "POST", params: schema, query: schema, headers: schema, body: bytes("text/plain"),
  examples: { documented: { output: "-" }, sent: {
    params: { id: "a/b" }, query: { n: 5 }, headers: { "x-key": "k" },
    body: new URL("./note.txt", import.meta.url),
  } },
}), three: asking("/three", () => "", { examples: {} })`
}

/** A project whose service does what `MOOD` says where it runs, and does not start without. */
function moody(): Project {
  const answer = '(() => { if (mood === "bug") throw new Error("no such model"); return "ok" })()'
  const refuse =
    '() => { if (mood === "refused") throw problem(422, "Out of fashion."); return "ok" }'
  return new Project({
    "service.ts": `import { problem } from "capstan"
const mood = process.env.MOOD
if (mood === "end" && process.argv[1]?.endsWith("server.js") && isMainThread) {
  console.log("farewell")
  process.exit(7)
}
${withSetup('if (mood === undefined) throw new Error("started")', answer, posting(refuse))}`,
    "note.txt": "a note",
  })
}

/** A builder that only says which it is, and builds nothing. */
function builder(): StandInPrograms {
  return new StandInPrograms({
    docker: 'if (args[0] === "build") write(after("--iidfile"), "sha256:0")',
  })
}

suite("a bundle before its image is called done", { concurrency: 2 }, () => {
  /** One that runs, with variables of its deployment; it writes down what it has of them. */
  const project = new Project({})
  after(() => project[Symbol.dispose]())
  const place = (name: string) => join(project.path, name)
  const written = (name: string) => JSON.parse(readFileSync(place(name), "utf8"))
  const writing = (name: string, value: string) =>
    `writeFileSync(${JSON.stringify(place(name))}, JSON.stringify(${value}))`
  let ended = { code: null as number | null, stdout: "", stderr: "" }
  /** To make a bundle takes long: what shows only where it runs is shown of one. */
  const ofMoods = moody()
  after(() => ofMoods[Symbol.dispose]())
  let unchecked = { code: null as number | null, stderr: "" }
  /** What is said when it is started in such a mood, and fails. */
  const failing = async (mood: string): Promise<string> => {
    const service = await loadService(pathToFileURL(join(ofMoods.path, "service.ts")))
    const { signal } = new AbortController()
    const trial = tryBundle(ofMoods.app, { service, env: { MOOD: mood }, lacks: [], signal })
    const failure = await trial.catch((error: unknown) => error)
    assert.ok(failure instanceof Failure, `${failure}`)
    assert.equal(failure.exitCode, 1)
    return complaint(failure.message, failure.hint)
  }

  before(async () => {
    project.write({
      "service.ts": `import { writeFileSync } from "node:fs"
if (process.env.MODEL !== "small") throw new Error("no MODEL")
${withSetup(
  writing("setup", "process.env"),
  '(writeFileSync("cache.bin", ""), "answered")',
  posting(
    `async ({ body, ...rest }) => (${writing("input", "{ ...rest, body: String(Buffer.from(body.bytes)) }")}, "ok")`,
  ),
)}`,
      "note.txt": "a note",
      "capstan.config.ts": `export const config = { deployment: { env: {
        MODEL: "small",
        API_KEY: { secret: "keys", key: "api" },
      } } }`,
    })
    using programs = new StandInPrograms({
      docker: `const { readdirSync, writeFileSync } = require("node:fs")
if (args[0] === "build") {
  write(after("--iidfile"), "sha256:0")
  ${writing("builder", "process.env")}
  ${writing("app", 'readdirSync(args.at(-1) + "/app")')}
}`,
    })
    const env = { PATH: programs.path, CAPSTAN_QUEUE_LIMIT: "1", API_KEY: "for-the-trial" }
    await using cli = project.image([], env)
    const [{ code }, ejected] = await Promise.all([cli.ended, ofMoods.eject("--no-check")])
    ended = { code, stdout: cli.stdout, stderr: cli.stderr }
    unchecked = ejected
  })

  test("is started, its workers and setup too, and answers each operation's example", () => {
    assert.equal(ended.code, 0, ended.stderr)
    assert.match(
      ended.stderr,
      /the bundle was started once: it is ready; GET \/one 200, POST \/two\/\{id\} 200; without an example to try: GET \/three\n/,
    )
    assert.equal(ended.stdout, "sha256:0\n")
    assert.ok(existsSync(place("setup")))
    assert.deepEqual(readdirSync(project.tmp), [])
  })

  test("is sent the whole of an example: path, query, headers, and a file that is in the image", () => {
    assert.deepEqual(written("input"), {
      path: { id: "a/b" },
      query: { n: "5" },
      headers: { "x-key": "k" },
      body: "a note",
    })
  })

  test("has the variables that it is deployed with, and not the settings of whoever builds", () => {
    const { MODEL, CAPSTAN_QUEUE_LIMIT } = written("setup")
    assert.deepEqual([MODEL, CAPSTAN_QUEUE_LIMIT], ["small", undefined])
  })

  test("has those variables while its module is loaded, too, and they are nobody else's", () => {
    assert.equal(ended.code, 0, ended.stderr)
    assert.equal(written("builder").MODEL, undefined)
  })

  test("takes from the shell what only the cluster has", () => {
    assert.equal(written("setup").API_KEY, "for-the-trial")
  })

  test("is a copy: what a service writes beside itself is not in the image", () => {
    assert.ok(written("app").includes("service.js"))
    assert.equal(written("app").includes("cache.bin"), false)
  })

  test("fails the command with the reason when its setup fails, and no image is built", async () => {
    using project = new Project({
      "service.ts": withSetup('text(["model", "bin"].join("."))'),
      "model.bin": "",
    })
    using programs = builder()
    await using cli = project.image([], { PATH: programs.path })
    assert.equal((await cli.ended).code, 1, cli.stderr)
    assert.match(cli.stderr, /The bundle does not start, and would not in the image either/)
    assert.match(cli.stderr, /ENOENT: no such file or directory, open 'model\.bin'/)
    assert.match(cli.stderr, /model\.bin is not in the image.*--files/)
    assert.match(cli.stderr, /--no-check builds the image without starting it/)
    assert.deepEqual(
      programs.calls.filter(([, command]) => command === "build"),
      [],
    )
    assert.equal(cli.stdout, "")
    assert.deepEqual(readdirSync(project.tmp), [])
  })

  test("fails when an example is answered by a bug, with the stack of it", async () => {
    const said = await failing("bug")
    assert.match(
      said,
      /The bundle answers 500 to the example "one" of GET \/one, and would in the image, too/,
    )
    assert.match(said, /Error: no such model\n\s+at .*app\/service\.js:\d+/)
  })

  test("fails when an example is refused, with what is wrong with it", async () => {
    assert.match(
      await failing("refused"),
      /answers 422 to the example "sent" of POST \/two\/\{id\}.*\n\s*Out of fashion\.\n\s*Correct the example/,
    )
  })

  test("fails when the process ends by itself, with all that it said", async () => {
    assert.match(await failing("end"), /The bundle does not start[\s\S]*farewell/)
  })

  test("names what only the cluster has when it fails without it", async () => {
    using project = new Project({
      "service.ts": withSetup('if (!process.env.API_KEY) throw new Error("API_KEY is not set")'),
      "capstan.config.ts": `export const config = { deployment: {
        env: { API_KEY: { secret: "keys", key: "api" } },
        envFrom: ["configmap/tuning"],
        volumes: { "/models": "claim/models" },
      } }`,
    })
    using programs = builder()
    await using without = project.image([], { PATH: programs.path })
    assert.equal((await without.ended).code, 1, without.stderr)
    // It may well start where it has all of it.
    assert.match(without.stderr, /The bundle does not start here\.\n\s*Error: API_KEY is not set/)
    assert.match(
      without.stderr,
      /started without API_KEY \(of the secret keys\), the variables of configmap\/tuning, .* your shell for this start\.\n.*without what is mounted at \/models on the cluster\.\n.*--no-check/,
    )
  })

  test("is not started with --no-check, and where the platform differs it is said that it was not", async () => {
    assert.equal(unchecked.code, 0, unchecked.stderr)
    assert.doesNotMatch(unchecked.stderr, /started/)
    using foreign = moody()
    const { code, stderr } = await foreign.eject("--platform", other)
    assert.equal(code, 0, stderr)
    assert.match(
      stderr,
      new RegExp(`the bundle for ${other} was not started to see whether it runs: this machine is`),
    )
  })

  test("ends with all that it has started when the command is interrupted, and leaves no files", async () => {
    using project = new Project({})
    const pids = join(project.path, "pids")
    project.write({
      "service.ts": withSetup(`
        const { spawn } = await import("node:child_process")
        const { writeFileSync } = await import("node:fs")
        const child = spawn(process.execPath, ["--eval", "setInterval(() => {}, 1000)"], { stdio: "ignore" })
        writeFileSync(${JSON.stringify(pids)}, process.pid + " " + child.pid + " ")
        await new Promise(() => {})`),
    })
    await using cli = project.image(["--eject", join(project.path, "image")])
    const started = await eventually(() => {
      const text = existsSync(pids) ? readFileSync(pids, "utf8") : ""
      return text.endsWith(" ") ? text.trim().split(" ").map(Number) : undefined
    }, "the bundle to set up")
    assert.deepEqual(started.map(isRunning), [true, true])
    cli.child.kill("SIGTERM")
    assert.equal((await cli.ended).code, 143, cli.stderr)
    assert.match(cli.stderr, /Interrupted/)
    await eventually(() => started.every((pid) => !isRunning(pid)) || undefined, "all to end")
    assert.deepEqual(readdirSync(project.tmp), [])
  })
})
