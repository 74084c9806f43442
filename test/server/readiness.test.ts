import assert from "node:assert/strict"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test } from "node:test"
import { pino } from "pino"
import { settingsTable } from "../../src/service/settings.ts"
import { TemporaryFolder } from "../support/cli.ts"
import { serveTrial } from "../support/server.ts"

test("is alive but not ready while no worker can start, sheds, and recovers by itself", async () => {
  const folder = await mkdtemp(join(tmpdir(), "capstan-"))
  process.env.TEST_MODEL_FILE = join(folder, "model")
  {
    const module = new URL("../fixtures/pool/fails-in-setup.ts", import.meta.url)
    await using trial = await serveTrial({}, module, { onStartFailure: "retry" })
    assert.equal((await trial.probe("/livez")).status, 200)
    const unready = await trial.probe("/readyz")
    assert.equal(unready.status, 503)
    assert.match(
      unready.text,
      /No worker of the service can start: setup of \\"hello\\" failed: the model is missing/,
    )
    const refused = await trial.call("POST", "/hello")
    assert.equal(refused.status, 503)
    assert.ok(Number(refused.headers["retry-after"]) >= 1)
    await writeFile(process.env.TEST_MODEL_FILE, "here now")
    while ((await trial.probe("/readyz")).status !== 200);
    assert.equal((await trial.call("POST", "/hello")).status, 204)
  }
  await rm(folder, { recursive: true })
})

test("unless it is told to wait, serving rejects with the reason when no worker can start", async () => {
  process.env.TEST_MODEL_FILE = "/nowhere"
  const module = new URL("../fixtures/pool/fails-in-setup.ts", import.meta.url)
  await assert.rejects(serveTrial({}, module), ({ message, cause }: Error) => {
    assert.equal(
      message,
      'No worker of the service can start: setup of "hello" failed: the model is missing',
    )
    assert.match((cause as Error).stack ?? "", /fails-in-setup\.ts/)
    return true
  })
})

test("an operation that can't be set up is refused and said to be; the others are served", async () => {
  using folder = new TemporaryFolder()
  folder.write("setup", "throws")
  process.env.TEST_SETUP_FILE = join(folder.path, "setup")
  const lines: string[] = []
  const module = new URL("../fixtures/pool/setups.ts", import.meta.url)
  await using trial = await serveTrial({}, module, {
    logger: pino({ level: "error" }, { write: (line) => lines.push(line) }),
  })
  assert.equal(trial.server.unready, undefined)
  const ready = await trial.probe("/readyz")
  assert.equal(ready.status, 200)
  assert.deepEqual(ready.text.trim().split("\n"), [
    "The server is ready.",
    'Refused: No worker of alone can start: setup of "alone" failed: the model is missing',
    'Refused: setup of "classify", "shares" failed: the model is missing',
  ])
  assert.match(
    lines.join(""),
    /"setup of \\"classify\\", \\"shares\\" failed: the model is missing/,
  )
  for (const path of ["/classify", "/shares", "/alone"]) {
    const refused = await trial.call("POST", path)
    assert.equal(refused.status, 503)
    assert.ok(Number(refused.headers["retry-after"]) >= 1)
    assert.doesNotMatch(refused.text, /model/)
  }
  assert.equal((await trial.call("POST", "/plain")).json, "plain")
  folder.write("setup", "works")
  while ((await trial.probe("/readyz")).text !== "The server is ready.\n");
  for (const path of ["/classify", "/shares", "/alone"]) {
    assert.equal((await trial.call("POST", path)).json, "works")
  }
})

test("a port in use is an error with its code, and nothing is left running", async () => {
  await using first = await serveTrial()
  const port = Number(new URL(first.server.url).port)
  await assert.rejects(serveTrial({ port }), { code: "EADDRINUSE" })
})

test("starts with every time at the longest that is allowed", async () => {
  const longest = Object.entries(settingsTable).flatMap(([name, spec]) =>
    name.endsWith("Ms") && spec.kind === "integer" ? [[name, spec.max] as const] : [],
  )
  assert.ok(longest.length > 5)
  // But for the delay, for which the end of a drain would wait.
  await using trial = await serveTrial({ ...Object.fromEntries(longest), drainDelayMs: 0 })
  assert.equal((await trial.probe("/readyz")).status, 200)
})
