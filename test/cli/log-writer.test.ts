/** A log that is not read, or can't be written, holds up nobody. */
import assert from "node:assert/strict"
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs"
import { test } from "node:test"
import { setTimeout } from "node:timers/promises"
import { LogWriter } from "../../src/cli/log-writer.ts"
import { eventually, TemporaryFolder } from "../support/cli.ts"

test("what nobody reads waits within a bound, the rest is dropped and counted", async () => {
  using folder = new TemporaryFolder()
  using pipe = openPipe(folder, { writesWait: true })
  const trouble: string[] = []
  const writer = new LogWriter({ fd: pipe.write, trouble: (text) => trouble.push(text) })
  const line = "x".repeat(999)
  for (let i = 0; i < 2000; i++) writer.line(line)
  // It gives up waiting, and whoever ends goes on.
  await writer.end()

  const read = await eventually(() => {
    const received = pipe.received()
    return received.includes("could not be written") ? received : undefined
  }, "the rest of the log")
  const written = read.split("\n").filter((it) => it === line).length
  assert.ok(written >= 1000 && written < 2000, `${written} lines`)
  const dropped = Number(/^capstan: (\d+) lines could not be written$/m.exec(read)?.[1])
  assert.equal(written + dropped, 2000)
  assert.deepEqual(trouble, [])
})

test("what was gathered leaves by itself, also when a full pipe had to be tried again", async () => {
  using folder = new TemporaryFolder()
  using pipe = openPipe(folder)
  const writer = new LogWriter({ fd: pipe.write, gatherMs: 20 })
  writer.line("x".repeat(200_000))
  await eventually(() => pipe.received().includes("x\n") || undefined, "what did not fit at once")
  for (const line of ["one", "two"]) {
    writer.line(line)
    await eventually(() => pipe.received().endsWith(`${line}\n`) || undefined, line)
  }
  await writer.end()
})

test("a flush writes what could not be written before, and what was gathered", async () => {
  using folder = new TemporaryFolder()
  using pipe = openPipe(folder)
  const full = "x".repeat(65_536)
  writeSync(pipe.write, full)
  const writer = new LogWriter({ fd: pipe.write })
  writer.line("begun")
  // Long enough for it to be tried in vain.
  await setTimeout(50)
  writer.line("gathered")
  pipe.received()
  writer.flush()
  assert.ok(pipe.received().startsWith(full))
  const rest = await eventually(() => {
    const lines = pipe.received().slice(full.length).split("\n")
    return lines.length === 3 ? lines : undefined
  }, "both lines")
  // In which order is chance only if the other thread tries it at this very moment.
  assert.deepEqual(rest.toSorted(), ["", "begun", "gathered"])
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

/** A pipe that neither side waits for, unless writing to it when it is full is to wait. */
function openPipe(folder: TemporaryFolder, { writesWait = false } = {}) {
  const path = folder.pipe("log")
  const read = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const write = openSync(path, constants.O_WRONLY | (writesWait ? 0 : constants.O_NONBLOCK))
  let text = ""
  return {
    write,
    received(): string {
      const buffer = Buffer.alloc(65_536)
      try {
        for (let count = -1; count !== 0; ) {
          count = readSync(read, buffer)
          text += buffer.toString("utf8", 0, count)
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error
      }
      return text
    },
    [Symbol.dispose]() {
      closeSync(read)
      closeSync(write)
    },
  }
}
