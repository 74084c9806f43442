import assert from "node:assert/strict"
import { test } from "node:test"
import { serveTrial } from "../support/server.ts"

test("the process's CPU time is counted from its start, not from when it is asked for", async () => {
  const { user, system } = process.cpuUsage()
  await using trial = await serveTrial()
  const { text } = await trial.probe("/metrics")
  const secondsOf = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1])
  assert.ok(secondsOf("process_cpu_user_seconds_total") >= user / 1e6)
  assert.ok(secondsOf("process_cpu_system_seconds_total") >= system / 1e6)
  assert.ok(secondsOf("process_cpu_seconds_total") >= (user + system) / 1e6)
})
