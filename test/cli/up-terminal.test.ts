/** `capstan up` in a terminal, and before readers that stop reading: nothing of it waits for them. */
import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync } from "node:fs"
import { test } from "node:test"
import { fileURLToPath } from "node:url"
import { freePort } from "../../bench/harness.ts"
import { cleanEnv } from "../support/clean-env.ts"
import {
  eventually,
  keptWaiting,
  patientFlags,
  runCli,
  serviceSource,
  TemporaryFolder,
} from "../support/cli.ts"
import { patienceMs } from "../support/patience.ts"
import { without } from "../support/programs.ts"

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))

const argumentsFor = (managementPort: number): readonly string[] => [
  ...[main, "up", "service.ts", "--port", "0", "--web-port", "0", "--sync-ms", "1000"],
  ...["--management-port", `${managementPort}`],
  ...["--workers", "1", "--spare-workers", "0", "--cpu", "100m", ...patientFlags()],
  // It decides again and again, and there is only one that it may decide for.
  ...["--max-replicas", "1"],
]

interface Report {
  readonly pid: number
  readonly url: string
  readonly ready: number
  readonly decisions: readonly unknown[]
}

function reportAt(managementPort: number): Promise<Report> {
  return eventually(async () => {
    const answer = await fetch(`http://127.0.0.1:${managementPort}/status`).catch(() => undefined)
    return answer?.ok ? ((await answer.json()) as Report) : undefined
  }, "its status")
}

const untilReady = (managementPort: number): Promise<Report> =>
  eventually(async () => {
    const report = await reportAt(managementPort)
    return report.ready > 0 ? report : undefined
  }, "a replica")

async function assertServes({ url }: Report): Promise<void> {
  await keptWaiting(async () => {
    const answer = await fetch(`${url}/version`, { signal: AbortSignal.timeout(patienceMs()) })
    assert.equal(await answer.text(), "1")
    return true
  })
}

/** Ends it, however that goes; resolves with what it ended by. */
async function ended(child: ChildProcess, end: () => void): Promise<unknown[]> {
  const exit = once(child, "exit")
  end()
  const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs())
  try {
    return await exit
  } finally {
    clearTimeout(timer)
  }
}

test("in a terminal that was stopped by Ctrl-S it goes on serving and deciding, and Ctrl-C ends it", {
  skip: without("script") || (process.platform !== "linux" && "script has other flags elsewhere"),
}, async () => {
  using folder = new TemporaryFolder()
  folder.write("service.ts", serviceSource("1"))
  const port = await freePort()
  const command = [process.execPath, ...argumentsFor(port)].map((word) => `'${word}'`).join(" ")
  const script = spawn("script", ["-qefc", `exec ${command}`, "/dev/null"], {
    cwd: folder.path,
    env: { ...cleanEnv(), TERM: "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  })
  let shown = ""
  script.stdout.on("data", (chunk) => {
    shown += chunk
  })
  try {
    await eventually(() => shown.includes("1 of 1 ready") || undefined, "the screen")
    const { decisions } = await untilReady(port)
    script.stdin.write("\x13")
    // From one of these to the next it would draw anew.
    const report = await eventually(async () => {
      const now = await reportAt(port)
      return now.decisions.length >= decisions.length + 2 ? now : undefined
    }, "further decisions")
    await assertServes(report)
  } finally {
    assert.deepEqual(await ended(script, () => script.stdin.write("\x03")), [0, null])
  }
  // It leaves the other screen, and what it said before is in the first one.
  assert.match(shown, /capstan: starting service\.ts at http:/)
  assert.ok(shown.lastIndexOf("\x1b[?1049l") > shown.lastIndexOf("1 of 1 ready"))
})

test("it answers while it starts, before a pipe that nobody reads, and ends when told to", async () => {
  using folder = new TemporaryFolder()
  const before = 'while (!existsSync("go")) await sleep(10)'
  folder.write("service.ts", serviceSource("1", { before }))
  // For both, so that opening it waits for nobody.
  const fd = openSync(folder.pipe("log"), "r+")
  const port = await freePort()
  const child = spawn(process.execPath, argumentsFor(port), {
    cwd: folder.path,
    env: cleanEnv(),
    stdio: ["ignore", fd, "inherit"],
  })
  try {
    const report = await reportAt(port)
    const waiting = assertServes(report)
    const args = ["status", "--management-port", `${port}`]
    const { code, stdout } = await runCli(args, { cwd: folder.path })
    assert.equal(code, 1)
    assert.match(stdout, /^service\.ts at http:.*\n\n.*0 of 1 ready[\s\S]*replica-1 +starting/)
    folder.write("go", "")
    await waiting

    // Each makes a line of that length, and a pipe takes 64 KiB.
    const long = `${report.url}/${"x".repeat(8_000)}`
    for (let n = 0; n < 16; n += 1) assert.equal((await fetch(long)).status, 404)
    await assertServes(report)
  } finally {
    assert.deepEqual(await ended(child, () => child.kill("SIGTERM")), [0, null])
    closeSync(fd)
  }
})
