/**
 * Workers that are processes: the same as threads where they can be, and harmless where threads are
 * not.
 */
import assert from "node:assert/strict"
import fs, { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import { getPriority } from "node:os"
import { join } from "node:path"
import { suite, test } from "node:test"
import { processArgs } from "../../src/service/pool/process-args.ts"
import {
  CliProcess,
  eventually,
  freePorts,
  index,
  patientFlags,
  TemporaryFolder,
} from "../support/cli.ts"
import { patienceMs } from "../support/patience.ts"
import { answerOf, howOf, type Trial, tryPool } from "../support/pool.ts"

const inProcess = { isolation: "process" } as const
const noProc = existsSync("/proc/self/task") ? false : "the kernel tells nothing of processes here"

interface Told {
  readonly pid: number
  readonly priorities: readonly number[]
}

async function pidOf(trial: Trial): Promise<number> {
  return (answerOf(await trial.run("process")) as Told).pid
}

test("a process is looked at while it is at something, and not while it waits, for its first task either", {
  skip: noProc,
}, async (t) => {
  const looks: (() => void)[] = []
  const { setInterval: real } = globalThis
  const set = (look: () => void, ms?: number) => {
    looks.push(look)
    return real(look, ms)
  }
  t.mock.method(globalThis, "setInterval", set as typeof setInterval)
  const { mock: reads } = t.mock.method(fs, "readFileSync")
  syncBuiltinESMExports()
  t.after(() => {
    t.mock.restoreAll()
    syncBuiltinESMExports()
  })
  await using trial = await tryPool({ ...inProcess, cancelGraceMs: 0 })
  await trial.until(() => trial.pool.counts().idle === 1)
  const readsOfLook = (): number => {
    const before = reads.callCount()
    for (const look of looks) look()
    return reads.callCount() - before
  }
  assert.equal(readsOfLook(), 0)
  const running = trial.submit("burn", { cpuMs: 0, forEver: true })
  assert.equal(readsOfLook(), 1)
  running.cancel()
  await running.outcome
})

for (const isolation of ["thread", "process"] as const) {
  suite(`a worker that is a ${isolation}`, { skip: noProc }, () => {
    test("takes what a clone can hold, and answers", async () => {
      await using trial = await tryPool({ isolation })
      const at = new Date(0)
      const body = { map: new Map([["a", 1n]]), at, bytes: new Uint8Array([1, 2]), u: undefined }
      const echoed = await trial.run("kinds", body)
      assert.deepEqual(answerOf(echoed), ["Map", "bigint", "Date", "Uint8Array", "undefined"])
      const pid = await pidOf(trial)
      assert.equal(pid === process.pid, isolation === "thread")
      const bug = await trial.run("bug")
      assert.match(bug.kind === "error" ? (bug.fault.stack ?? "") : "", /TypeError: a bug\n.*at/s)
      const expected = await trial.run("teapot")
      assert.deepEqual(
        expected.kind === "problem" && JSON.parse(`${expected.problem.json}`).handle,
        "here",
      )
      assert.equal((await trial.run("echo", () => {})).kind, "error", "it can't cross")
      assert.equal((await trial.run("logsFunction")).kind, "done")
      assert.match(JSON.stringify(trial.logged), /with a function.*callback/)
      assert.equal(answerOf(await trial.run("intrude")), "said")
      assert.equal(await pidOf(trial), pid, "none of it has cost the worker")
    })

    test("gets bytes and gives bytes", async () => {
      await using trial = await tryPool({ isolation })
      const bytes = new Uint8Array(1_000_000).fill(7)
      const measured = await trial.run("measure", { bytes }, { transfer: [bytes.buffer] })
      assert.equal(answerOf(measured), 1_000_000)
      const noise = await trial.run("noise")
      const reply = noise.kind === "done" && noise.reply.kind === "bytes" ? noise.reply : undefined
      assert.equal(reply?.bytes.byteLength, 1_000_000)
      assert.ok(reply.bytes.some((byte) => byte !== 0))
    })

    test("stops when it is told to, in a loop that never yields and in a stream", async () => {
      await using trial = await tryPool({ isolation, cancelGraceMs: patienceMs() })
      const pid = await pidOf(trial)
      for (const [name, body] of [
        ["polite", {}],
        ["sleep", { ms: 1e9 }],
        ["count", { to: 1e9 }],
      ] as const) {
        const ticket = trial.submit(name, body, { onItem() {} })
        ticket.cancel()
        assert.deepEqual(await ticket.outcome, { kind: "cancelled", where: "running" })
        assert.equal(await pidOf(trial), pid, `${name} stopped by itself`)
      }
    })

    test("streams items as they are made, no more than the client can take", async () => {
      await using trial = await tryPool({ isolation })
      const items: unknown[] = []
      const ticket = trial.submit("count", { to: 40 }, { onItem: (json) => items.push(json) })
      await eventually(() => items.length >= 16 || undefined, "the first items")
      ticket.pull(100)
      assert.equal((await ticket.outcome).kind, "done")
      assert.deepEqual(items.map(Number), [...Array(40).keys()])
    })

    test("tells the CPU time that a call has used", async () => {
      await using trial = await tryPool({ isolation })
      assert.equal((await trial.run("burn", { cpuMs: 50 })).kind, "done")
      // What the kernel had not counted by then is told with the next one.
      await trial.run("echo")
      const cpuMs = trial.uses[0]!.cpuMs + trial.correctedMs
      assert.ok(cpuMs >= 40, `${cpuMs} ms`)
    })

    test("is told of under its own call when that has left something behind that fails", async () => {
      await using trial = await tryPool({ isolation })
      assert.equal((await trial.run("failsLater")).kind, "done")
      await trial.until(() => trial.leftovers.length > 0)
      assert.equal(trial.leftovers[0]?.operation, "failsLater")
      assert.match(trial.leftovers[0]?.fault.message ?? "", /left behind/)
      assert.equal((await trial.run("echo")).kind, "done")
    })
  })
}

suite("workers that are processes", { skip: noProc, concurrency: 2 }, () => {
  test("whatever ends one costs the one call, and is told by its name", async () => {
    await using trial = await tryPool({ ...inProcess, memoryMiB: 64, size: 1, spares: 1 })
    await trial.warm()
    const descriptors = () => readdirSync("/proc/self/fd").length
    const before = descriptors()
    for (const [name, body, expected, message] of [
      ["fault", {}, "SIGSEGV", /ended by SIGSEGV: native code/],
      ["signalled", { signal: "SIGBUS" }, "SIGBUS", /ended by SIGBUS/],
      ["signalled", { signal: "SIGKILL" }, "SIGKILL", /ended by SIGKILL, .* memory/],
      ["abort", {}, "SIGABRT", /ended by SIGABRT/],
      ["exit", {}, "exit", /exited with code 3/],
      ["throwLater", {}, "uncaught", /out of nowhere/],
      ["outOfMemory", {}, "out-of-memory", /may use 64 MiB .* (?:its heap alone|and had \d+ MiB)/],
      ["allocates", { mebibytes: 1000 }, "out-of-memory", /may use 64 MiB .* and had \d+ MiB/],
    ] as const) {
      const [crash, next] = await Promise.all([trial.run(name, body), trial.run("echo", name)])
      assert.equal(howOf(crash), expected, name)
      assert.match(crash.kind === "crashed" ? crash.fault.message : "", message)
      assert.equal(answerOf(next), name, "the next call has been answered")
    }
    assert.equal(trial.deaths.length, 8)
    await trial.until(() => trial.pool.counts().idle === 2)
    await eventually(() => descriptors() <= before || undefined, "no descriptor more than before")
  })

  test("signals that a terminal sends to all of a group are the server's to decide on", async () => {
    await using trial = await tryPool(inProcess)
    const pid = await pidOf(trial)
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
      assert.equal(answerOf(await trial.run("signalled", { signal })), pid)
    }
    process.kill(pid, "SIGTERM")
    assert.equal(await pidOf(trial), pid)
  })

  test("one that dies before it has begun a task costs nobody that task", async () => {
    await using trial = await tryPool(inProcess)
    const outcomes = await Promise.all([
      trial.run("lastWords"),
      trial.run("echo", "first after"),
      trial.run("echo", "second after"),
    ])
    assert.deepEqual(outcomes.map(answerOf), ["last words", "first after", "second after"])
  })

  test("one that computes past its deadline is ended, and its CPU time is known", async () => {
    await using trial = await tryPool({ ...inProcess, cancelGraceMs: 20 })
    const pid = await pidOf(trial)
    const ticket = trial.submit("burn", { cpuMs: 30, forEver: true })
    const stat = `/proc/${pid}/stat`
    await eventually(() => trial.pool.mostCpuMs("burn")! >= 30 || undefined, "CPU time to be seen")
    ticket.cancel()
    assert.deepEqual(await ticket.outcome, { kind: "cancelled", where: "running" })
    assert.equal(trial.pool.counts().busy, 1, "it still burns CPU")
    assert.equal((await trial.run("echo", 1)).kind, "done")
    assert.equal(existsSync(stat), false)
    const use = trial.uses.find(({ call }) => call.name === "burn")
    assert.ok(use!.cpuMs >= 30, `${use?.cpuMs} ms`)
  })

  test("what it waits for goes with it, a program that hangs for one", async () => {
    using folder = new TemporaryFolder()
    await using trial = await tryPool({ ...inProcess, cancelGraceMs: 0 })
    const [file, pipe] = [join(folder.path, "begun"), folder.pipe("pipe")]
    const ticket = trial.submit("stuck", { file, pipe })
    const program = await programOf(file)
    ticket.cancel()
    assert.equal(answerOf(await trial.run("echo", "next")), "next")
    assert.equal(trial.stuck.length, 0)
    await eventually(() => !isThere(program) || undefined, "the program to be gone")
  })

  test("a call that must not be cut off is done without, and ends its process when it is over", async () => {
    using folder = new TemporaryFolder()
    await using trial = await tryPool({ ...inProcess, cancelGraceMs: 0 })
    const [file, pipe] = [join(folder.path, "begun"), folder.pipe("pipe")]
    const ticket = trial.submit("careful", { file, pipe })
    const program = await programOf(file)
    ticket.cancel()
    assert.equal(answerOf(await trial.run("echo", "next")), "next")
    assert.equal(trial.pool.counts().retired, 1)
    assert.ok(isThere(program), "it goes on")
    writeFileSync(pipe, "")
    await eventually(() => trial.pool.counts().retired === 0 || undefined, "it to end")
    assert.deepEqual(trial.deaths, [])
  })

  test("a system that starts no process is one more reason to try again", async () => {
    const { execPath } = process
    for (const [path, reason] of [
      ["/nowhere/node", /ENOENT/],
      ["/nowhere/\0", /null bytes/],
    ] as const) {
      process.execPath = path
      const starting = tryPool(inProcess)
      process.execPath = execPath
      await using trial = await starting
      assert.equal(trial.pool.state, "down")
      assert.match(trial.deaths[0]?.message ?? "", reason)
      assert.equal((await trial.run("echo", 1)).kind, "done")
    }
  })

  test("all its threads have the workers' priority", async () => {
    await using trial = await tryPool({ ...inProcess, nice: 5 })
    const { priorities } = answerOf(await trial.run("process")) as Told
    const expected = Math.min(19, getPriority() + 5)
    assert.ok(priorities.length > 1)
    assert.deepEqual(new Set(priorities), new Set([expected]))
  })

  test("a module that can't be loaded, and a setup that fails, say why", async () => {
    const moduleUrl = new URL("../fixtures/pool/fails-in-setup.ts", import.meta.url).href
    process.env.TEST_MODEL_FILE = "/nowhere"
    await using failing = await tryPool({ ...inProcess, moduleUrl, operations: ["hello"] })
    assert.match(failing.deaths[0]?.message ?? "", /setup of "hello" failed: .*model is missing/)
    const nowhere = new URL("nowhere.ts", import.meta.url).href
    await using missing = await tryPool({ ...inProcess, moduleUrl: nowhere, operations: ["hello"] })
    assert.match(missing.deaths[0]?.message ?? "", /nowhere\.ts/)
  })

  test("one that computes is not left behind when its server is killed; it prints where that prints", async () => {
    using folder = new TemporaryFolder()
    folder.write(
      "service.ts",
      `import { operation, service } from ${JSON.stringify(index)}
const loop = operation({
  path: "/loop",
  ownWorkers: { isolation: "process" },
  run() {
    console.log("computing in", process.pid)
    for (;;);
  },
})
export default service({ title: "Loop", version: "1.0.0", operations: { loop } })
`,
    )
    await using cli = new CliProcess(["serve", "service.ts", ...freePorts, ...patientFlags()], {
      cwd: folder.path,
    })
    const { url } = await cli.served()
    const cut = fetch(`${url}/loop`, { method: "POST" }).catch(() => "cut off")
    const [, pid] = await cli.output(/computing in (\d+)/)
    assert.ok(isThere(pid!))
    cli.child.kill("SIGKILL")
    assert.equal(await cut, "cut off")
    await eventually(() => !isThere(pid!) || undefined, "its process to be gone")
  })
})

/** The id of the program that a call waits for, once that is there. */
async function programOf(file: string): Promise<string> {
  const read = () => (existsSync(file) ? readFileSync(file, "utf8").trim() : "") || undefined
  return await eventually(read, "the program to run")
}

/** One that has ended and that nobody has asked after is not there any more. */
function isThere(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
  } catch {
    return false
  }
}

test("a process gets the options that the service's module may need, and none of the program's", () => {
  assert.deepEqual(
    processArgs(
      [
        "--conditions=mine",
        "--import",
        "./hooks.js",
        "--inspect=9229",
        "--input-type=module",
        "--eval",
        "serve()",
        "--test",
        "--max_old_space_size=100",
      ],
      64,
    ),
    ["--conditions=mine", "--import", "./hooks.js", "--max-old-space-size=64"],
  )
})
