/** Runs the command line as people do: as a process of its own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { cleanEnv } from "./clean-env.ts"
import { patienceMs } from "./patience.ts"
import { shortLived } from "./short-lived.ts"

const main = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url))
/** What a module that a test writes imports as Capstan. */
export const index = new URL("../../src/index.ts", import.meta.url).href

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Files and sockets that it may have open; by `ulimit -n`. @default as many as this process */
  readonly descriptors?: number
  /** Arguments for Node itself. */
  readonly node?: readonly string[]
  /** After which it has run for too long and is ended. @default twice as long as anybody waits for it */
  readonly timeoutMs?: number
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A command that runs. Disposing of it ends it, whatever it is doing. */
export class CliProcess implements AsyncDisposable {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  stdout = ""
  stderr = ""

  constructor(
    args: readonly string[],
    { cwd, env, descriptors, node = [], timeoutMs = 2 * patienceMs() }: RunOptions = {},
  ) {
    const limited =
      descriptors === undefined ? [] : ["sh", "-c", `ulimit -n ${descriptors}; exec "$0" "$@"`]
    const [program = "", ...rest] = [...limited, process.execPath, ...shortLived, ...node, main]
    this.child = spawn(program, [...rest, ...args], {
      cwd,
      env: { ...cleanEnv(), NO_COLOR: undefined, FORCE_COLOR: undefined, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    })
    this.child.stdout?.on("data", (chunk) => {
      this.stdout += chunk
    })
    this.child.stderr?.on("data", (chunk) => {
      this.stderr += chunk
    })
    this.ended = once(this.child, "close").then(([code, signal]) => ({ code, signal }))
  }

  /** Waits until the output, from `from` on, matches. */
  async output(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    return await eventually(() => {
      const text = this.stdout + this.stderr
      const match = pattern.exec(text.slice(from))
      if (match === null && this.child.exitCode !== null) {
        throw new Error(`It ended (${this.child.exitCode}) without saying ${pattern}:\n${text}`)
      }
      return match ?? undefined
    }, `output ${pattern}`)
  }

  /** Waits until it serves, and tells where. */
  async served(): Promise<{ readonly url: string; readonly managementUrl: string }> {
    const [, url = "", managementUrl = ""] = await this.output(
      /served at (http:\S+?), .*metrics at (http:\S+)\/metrics/,
    )
    return { url, managementUrl }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL")
    await this.ended
  }
}

/** Runs a command to its end. */
export async function runCli(
  args: readonly string[],
  options?: RunOptions,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  await using cli = new CliProcess(args, options)
  const { code } = await cli.ended
  return { code, stdout: cli.stdout, stderr: cli.stderr }
}

/** How long `eventually` waits between two looks, at first and after many. */
const lookMs = { least: 10, most: 50 }

/**
 * Waits until `attempt` gives something other than `undefined`. It looks less often the longer it takes:
 * a look may be a request, or through all processes, and what is waited for needs the CPU as well.
 */
export async function eventually<T>(
  attempt: () => T | undefined | Promise<T | undefined>,
  what: string,
): Promise<T> {
  const boundMs = patienceMs()
  const endMs = performance.now() + boundMs
  for (let pauseMs = lookMs.least; ; pauseMs = Math.min(1.2 * pauseMs, lookMs.most)) {
    const result = await attempt()
    if (result !== undefined) return result
    if (performance.now() > endMs) throw new Error(`Waited ${boundMs} ms in vain for ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

/** How long `capstan dev` and `capstan up` let a request wait while nothing serves. */
const waitMsMax = 10_000

/**
 * Asks until the answer is a good one. While nothing serves a request waits for what starts, but not for
 * longer than they say: on a slow machine that may be too short, and then it is asked again. Who is
 * refused earlier was not let wait, and that is a fault.
 */
export async function keptWaiting<T>(ask: () => Promise<T>): Promise<T> {
  return await eventually(async () => {
    const askedAtMs = performance.now()
    try {
      return await ask()
    } catch (error) {
      // A timer may be a millisecond early by another clock.
      if (performance.now() - askedAtMs < waitMsMax - 10) throw error
      return undefined
    }
  }, "a good answer")
}

export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** The processes that a process has started and that have not ended. Linux only. */
export function childrenOf(pid: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((child) => {
    try {
      // The state and the parent stand behind the name, which may have any character in it.
      const [state, parent] = readFileSync(`/proc/${child}/stat`, "utf8")
        .split(") ")
        .at(-1)!
        .split(" ")
      return parent === `${pid}` && state !== "Z"
    } catch {
      return false
    }
  })
}

/** A folder that is gone when the test is. */
export class TemporaryFolder implements Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), "capstan-cli-")))

  /** Who looks meanwhile sees the file before or after, and never half of it: it is one change. */
  write(name: string, text: string): string {
    const path = join(this.path, name)
    const unfinished = join(dirname(path), `.${basename(path)}.unfinished`)
    writeFileSync(unfinished, text)
    renameSync(unfinished, path)
    return path
  }

  /** A pipe that has a name. */
  pipe(name: string): string {
    const path = join(this.path, name)
    execFileSync("mkfifo", [path])
    return path
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

/**
 * The source of a service that needs no packages:
 * - `/version` answers `version`, from a worker;
 * - `/slow` answers it once there is a file `release` in the current folder;
 * - `/pid` answers the process's id, `/crash` ends the process.
 *
 * It is JavaScript as well as TypeScript. As `.mjs` it is the cheaper one where types are not the
 * point: for a `.ts` that was never seen, each process and each worker loads what strips types.
 */
export function serviceSource(version: string, { before = "" } = {}): string {
  return `import { bytes, operation, service } from ${JSON.stringify(index)}
import { existsSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
${before}
const output = bytes("text/plain")
const text = (value) => new TextEncoder().encode(String(value))
export default service({
  title: "Fixture",
  version: "1.0.0",
  operations: {
    version: operation({
      method: "GET", path: "/version", output, summary: "Tells its version",
      run: () => text(${JSON.stringify(version)}),
    }),
    slow: operation({
      method: "GET", path: "/slow", output,
      async run() {
        while (!existsSync("release")) await sleep(10)
        return text(${JSON.stringify(version)})
      },
    }),
    pid: operation({
      method: "GET", path: "/pid", output, thread: "main", run: () => text(process.pid),
    }),
    crash: operation({
      method: "GET", path: "/crash", output, thread: "main", run: () => process.exit(3),
    }),
  },
})
`
}

/** Free ports for whatever is started. */
export const freePorts = ["--port", "0", "--management-port", "0"] as const

/**
 * The same, but for `/crash`: it makes a file `stuck` in the current folder, and from then on the main
 * thread does nothing any more. So it is in an endless loop, which would take a core from other tests.
 */
export function stuckSource(version: string): string {
  return serviceSource(version).replace(
    "process.exit(3)",
    `{
        process.getBuiltinModule("node:fs").writeFileSync("stuck", "")
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
      }`,
  )
}

/** For a service that has all the time it needs, and whose workers get their share of a busy machine. */
export function patientFlags(): readonly string[] {
  const ms = `${Math.min(patienceMs(), 3_600_000)}`
  const times = ["--deadline-ms", "--drain-grace-ms", "--setup-timeout-ms"]
  return [...times.flatMap((name) => [name, ms]), "--worker-nice", "0"]
}
