import assert from "node:assert/strict"
import { fork } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { test } from "node:test"
import { cpuTimeMs } from "../../src/local/cpu-time.ts"
import { eventually, TemporaryFolder } from "../support/cli.ts"

const skip = existsSync(`/proc/self/task/${process.pid}/children`)
  ? false
  : "the kernel does not list the children of a process here"

test("CPU time of a process is that of the processes that it has started, too", {
  skip,
}, async () => {
  using folder = new TemporaryFolder()
  const burnt = 300
  folder.write(
    "burns.mjs",
    `while (process.cpuUsage().user < ${burnt * 1000});
     process.send("burnt")
     process.once("message", () => process.exit())`,
  )
  const own = () => cpuTimeMs(process.pid)! - process.cpuUsage().user / 1000
  const before = own()
  const child = fork(`${folder.path}/burns.mjs`)
  const ended = once(child, "exit")
  await once(child, "message")
  const itself = cpuTimeMs(child.pid!)!
  assert.ok(itself >= burnt - 20, `${itself} ms`)
  await eventually(
    () => own() - before >= burnt - 50 || undefined,
    "its time to count while it lives",
  )
  child.send("end")
  await ended
  assert.ok(own() - before >= burnt - 50, "and when it has ended")
})

test("of a process that is not there nothing is known", () => {
  assert.equal(cpuTimeMs(2 ** 30), undefined)
})
