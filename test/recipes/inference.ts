/** The example with a model: as its README says, under what clients do to it, and in an image. */
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { after, test } from "node:test"
import { promisify } from "node:util"
import { Bundled } from "../support/bundled.ts"
import { eventually, runCli, TemporaryFolder } from "../support/cli.ts"
import { patienceMs } from "../support/patience.ts"
import { blackPng } from "../support/png.ts"
import { read, root } from "../support/repository.ts"
import { callsOf, check, serving } from "./documented.ts"

const folder = `${root}examples/inference`
const calls = callsOf(read("examples/inference/README.md"))
const line = readFileSync(`${folder}/line.png`)
const node = ["--conditions=capstan-source"]

const deadline = ["--deadline-ms", `${Math.min(patienceMs(), 3_600_000)}`]
const server = serving("service.ts", folder, [...deadline, "--workers", "2"])
after(() => server[Symbol.asyncDispose]())

async function post(body: Uint8Array, more: RequestInit = {}): Promise<Response> {
  const { url } = await server.served()
  const headers = { "content-type": "image/png", ...more.headers }
  return await fetch(`${url}/read`, {
    method: "POST",
    body: Uint8Array.from(body),
    ...more,
    headers,
  })
}

const textOf = async (response: Response) => ((await response.json()) as { text?: string }).text

test("it is as typed", async () => {
  await promisify(execFile)(`${root}node_modules/.bin/tsc`, ["-p", folder], { cwd: root })
})

test("it answers as its README says", async () => {
  await check(calls, (await server.served()).url, folder)
})

test("many are read at once, each for itself", async () => {
  const answers = await Promise.all(Array.from({ length: 12 }, () => post(line)))
  for (const answer of answers) assert.equal(await textOf(answer), "Capstan reads 42 lines.")
})

test("a picture without text has none, and one that costs too much is refused", async () => {
  const empty = await post(blackPng(96, 48))
  assert.deepEqual(await empty.json(), { text: "", confidence: 0 })
  const wide = await post(blackPng(4_100, 100))
  assert.equal(wide.status, 422)
  assert.match(await wide.text(), /4100 × 100 pixels; 40 times as wide as high is the most/)
})

test("callers who leave, or whose deadline is near, cost the process nothing", async () => {
  const wide = blackPng(4_000, 100)
  const short = { headers: { "x-envoy-expected-rq-timeout-ms": "1" } }
  const statuses = await Promise.all(
    Array.from({ length: 8 }, async () => (await post(wide, short)).status),
  )
  for (const status of statuses) assert.ok(status === 504 || status === 503, `${status}`)
  const { managementUrl } = await server.served()
  for (let round = 0; round < 8; round++) {
    const leave = new AbortController()
    const left = post(wide, { signal: leave.signal })
    left.catch(() => {})
    await eventually(async () => {
      const metrics = await (await fetch(`${managementUrl}/metrics`)).text()
      return /capstan_workers\{state="busy"\} [1-9]/.test(metrics) || undefined
    }, "a worker to be at it")
    leave.abort()
    await assert.rejects(left)
  }
  assert.equal(await textOf(await post(line)), "Capstan reads 42 lines.")
  assert.equal(server.child.exitCode, null, server.stderr)
})

test("its image reads as it does", async () => {
  using place = new TemporaryFolder()
  const image = ["image", "service.ts", "--eject", place.path]
  const { code, stderr } = await runCli(image, { cwd: folder, node })
  assert.equal(code, 0, stderr)
  assert.match(stderr, /ocr-models 1\.4\.2 is looked for by its place: it comes whole/)
  // Most of what the package has is for other systems.
  assert.match(stderr, /binaries for other platforms: onnxruntime-node \(2\d\d\.\d MB\)/)
  await using bundled = new Bundled(`${place.path}/app`)
  await check(calls, (await bundled.served()).url, folder)
})

test("its deployment asks for what was measured", async () => {
  const { stdout } = await runCli(["manifests", "service.ts", "--image", "reader:1"], {
    cwd: folder,
    node,
  })
  assert.match(stdout, /limits:\s+memory: 640Mi/)
  assert.match(stdout, /name: CAPSTAN_WORKERS\s+value: "4"/)
})
