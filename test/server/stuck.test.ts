/** A server whose workers are in native code that does not return. */
import assert from "node:assert/strict"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { test } from "node:test"
import { pino } from "pino"
import { ComputePools } from "../../src/service/compute.ts"
import { resolveSettings } from "../../src/service/settings.ts"
import fixture from "../fixtures/pool/service.ts"
import { eventually, TemporaryFolder } from "../support/cli.ts"
import { serveTrial } from "../support/server.ts"

const module = new URL("../fixtures/pool/service.ts", import.meta.url)
const settings = { workers: 1, spareWorkers: 1, cancelGraceMs: 0 } as const

/** The paths that a call is told of, and how to let it go on. */
function stuckCall(folder: TemporaryFolder, name: string) {
  const body = { file: join(folder.path, name), pipe: folder.pipe(`${name}-pipe`) }
  return {
    body,
    begun: () => eventually(() => existsSync(body.file) || undefined, "it to be stuck"),
    goOn: () => writeFileSync(body.pipe, ""),
  }
}

test("stuck workers are counted, the last one makes it unready, calls are refused at once, and it recovers", async () => {
  using folder = new TemporaryFolder()
  await using trial = await serveTrial(settings, module)
  const calls = [stuckCall(folder, "first"), stuckCall(folder, "second")]
  for (const [at, call] of calls.entries()) {
    const client = new AbortController()
    const left = trial.call("POST", "/stuck", call.body, { signal: client.signal })
    await call.begun()
    client.abort()
    await assert.rejects(left)
    await eventually(async () => {
      const metrics = (await trial.probe("/metrics")).text
      return metrics.includes(`capstan_workers{state="stuck"} ${at + 1}\n`) || undefined
    }, "it to be counted")
    // The spare has taken the place of the first.
    if (at === 0) assert.equal((await trial.call("POST", "/echo", "here")).json, "here")
  }
  const unready = await trial.probe("/readyz")
  assert.equal(unready.status, 503)
  assert.match(unready.text, /All workers of the service are in native code that does not return/)
  assert.equal((await trial.probe("/livez")).status, 200)
  const refused = await trial.call("POST", "/echo", "here")
  assert.equal(refused.status, 503)
  assert.match(refused.text, /No worker is ready/)
  for (const { goOn } of calls) goOn()
  await eventually(async () => (await trial.probe("/readyz")).status === 200 || undefined, "it")
  assert.equal((await trial.call("POST", "/echo", "again")).json, "again")
})

test("when all have been stuck for a minute it is not alive any more", async () => {
  using folder = new TemporaryFolder()
  let shiftMs = 0
  await using compute = Object.assign(
    new ComputePools({
      service: fixture,
      moduleUrl: module,
      settings: resolveSettings({ options: settings }),
      log: pino({ level: "silent" }),
      clock: () => performance.now() + shiftMs,
    }),
    {
      async [Symbol.asyncDispose]() {
        await compute.close(0)
      },
    },
  )
  await compute.started()
  const calls = [stuckCall(folder, "first"), stuckCall(folder, "second")]
  for (const { body, begun } of calls) {
    const arrivedAtMs = performance.now()
    const ticket = compute.run({
      name: "stuck",
      operation: fixture.operations.get("stuck")!,
      input: { path: undefined, query: undefined, headers: undefined, body },
      transfer: [],
      requestId: body.file,
      tryId: body.file,
      peer: "test",
      arrivedAtMs,
      deadlineAtMs: arrivedAtMs + 3_600_000,
      encoding: undefined,
    })
    await begun()
    const stuck = compute.counts().stuck
    ticket.cancel()
    await eventually(() => compute.counts().stuck > stuck || undefined, "it to be told")
  }
  assert.equal(compute.dead, undefined)
  shiftMs = 61_000
  assert.match(compute.dead ?? "", /All workers of the service .* for 60 s/)
  for (const { goOn } of calls) goOn()
  await eventually(() => compute.dead === undefined || undefined, "them to return")
})
