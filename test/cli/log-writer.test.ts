/** A log that is not read, or can't be written, holds up nobody. */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { closeSync, openSync, readSync } from "node:fs"
import { test } from "node:test"
import { LogWriter } from "../../src/cli/up/log-writer.ts"
import { eventually, TemporaryFolder } from "../support/cli.ts"

test("what nobody reads waits within a bound, the rest is dropped and counted", async () => {
  using folder = new TemporaryFolder()
  const path = `${folder.path}/fifo`
  execFileSync("bash", ["-c", 'mkfifo "$0"', path])
  // For both, so that opening it waits for nobody.
  const fd = openSync(path, "r+")
  const trouble: string[] = []
  const writer = new LogWriter({ fd, trouble: (text) => trouble.push(text) })
  const line = "x".repeat(999)
  for (let i = 0; i < 2000; i++) writer.line(line)
  // It gives up waiting, and whoever ends goes on.
  await writer.end()

  let read = ""
  const buffer = Buffer.alloc(65_536)
  await eventually(() => {
    read += buffer.toString("utf8", 0, readSync(fd, buffer))
    return read.includes("could not be written") || undefined
  }, "the rest of the log")
  const written = read.split("\n").filter((it) => it === line).length
  assert.ok(written >= 1000 && written < 2000, `${written} lines`)
  const dropped = Number(/^capstan: (\d+) lines could not be written$/m.exec(read)?.[1])
  assert.equal(written + dropped, 2000)
  assert.deepEqual(trouble, [])
  closeSync(fd)
})

test("a disk that is full is said once, and what waits is not lost sight of", async () => {
  const fd = openSync("/dev/full", "w")
  const trouble: string[] = []
  const writer = new LogWriter({ fd, trouble: (text) => trouble.push(text) })
  writer.line("one")
  await eventually(() => trouble.length > 0 || undefined, "the trouble")
  writer.line("two")
  await writer.end()
  assert.deepEqual(trouble, ["The log can't be written (ENOSPC); the service goes on."])
  closeSync(fd)
})
