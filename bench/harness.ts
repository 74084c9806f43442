/**
 * Starts the servers that a bench measures, waits until they are ready, reads what they use, and
 * ends them, by process id and with all their children, whatever happens.
 *
 * Linux only: CPU time and memory of a tree of processes are read from /proc.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { get } from "node:http"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { begunDirectoryVariable, readBegun } from "./begun.ts"

/** The repository. */
export const root = fileURLToPath(new URL("..", import.meta.url))

export interface ServerSpec {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Answers 200 when the server is ready. */
  readonly readyUrl: string
  /** Counts the calls that its handlers begin; costs some microseconds a call. */
  readonly countsCalls?: boolean
}

/** What a server has used since it started. */
export interface Usage {
  readonly atMs: number
  /** All processes and threads. */
  readonly cpuMs: number
  /** Calls that its handlers have begun. 0 unless it counts them. */
  readonly begun: number
}

export interface Server extends AsyncDisposable {
  readonly pid: number
  /** From before the process was started until `readyUrl` said 200. */
  readonly readyAfterMs: number
  usage(): Usage
  residentMiB(): number
}

/** What to clear away when the bench is interrupted: processes, and their folders. */
const running = new Map<number, string | undefined>()

const readyTimeoutMs = 30_000
const stopTimeoutMs = 3_000
/** Long enough to install what a peer needs. */
const commandTimeoutMs = 900_000

/** Kills what was started here and still runs: for the end of a bench that was interrupted. */
export function killAll(): void {
  for (const [pid, directory] of running) {
    kill(processTree(pid))
    if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
  }
}

/** @throws {Error} with the server's own output, when it does not become ready. */
export async function startServer(spec: ServerSpec): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), "bench-"))
  const begunDirectory = mkdtempSync(join(directory, "begun-"))
  const logPath = join(directory, "log")
  const log = openSync(logPath, "w")
  const startedAtMs = performance.now()
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd ?? root,
    env: {
      ...serverEnvironment(),
      ...(spec.countsCalls ? { [begunDirectoryVariable]: begunDirectory } : {}),
      ...spec.env,
    },
    stdio: ["ignore", log, log],
  })
  closeSync(log)
  if (child.pid !== undefined) running.set(child.pid, directory)
  const stop = async (): Promise<void> => {
    await end(child)
    rmSync(directory, { recursive: true, force: true })
  }

  try {
    await ready(spec.readyUrl, child)
  } catch (cause) {
    const said = readFileSync(logPath, "utf8").slice(-2000)
    await stop()
    throw new Error(`${spec.command} ${spec.args.join(" ")} did not become ready. ${said}`, {
      cause,
    })
  }
  const pid = child.pid ?? 0
  return {
    pid,
    readyAfterMs: performance.now() - startedAtMs,
    usage: () => ({
      atMs: performance.now(),
      cpuMs: cpuMs(pid),
      begun: readBegun(begunDirectory),
    }),
    residentMiB: () => residentMiB(pid),
    [Symbol.asyncDispose]: stop,
  }
}

/** Where no system takes ports from by itself, be it for a connection or for who asks for any port. */
const portsFrom = 20_000
const portsTo = 30_000

/**
 * A port that was free a moment ago, and that only another call of this may take before it is used: so
 * it can be told to a process that is yet to start, however long that takes and whatever else goes on.
 */
export async function freePort(): Promise<number> {
  for (let attempts = 0; attempts < 100; attempts++) {
    const port = randomInt(portsFrom, portsTo)
    const probe = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false))
      probe.listen(port, "127.0.0.1", () => resolve(true))
    })
    if (!isFree) continue
    await new Promise((resolve) => probe.close(resolve))
    return port
  }
  throw new Error("No free port.")
}

/** GETs `url`. Undefined when nobody answers. */
export function fetchText(
  url: string,
  timeoutMs = 1000,
): Promise<{ readonly status: number; readonly text: string } | undefined> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: timeoutMs }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        text += chunk
      })
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }))
      response.on("error", () => resolve(undefined))
    })
    request.on("timeout", () => request.destroy())
    request.on("error", () => resolve(undefined))
  })
}

/** Runs a command to its end and returns what it printed. */
export async function run(command: string, args: readonly string[], cwd = root): Promise<string> {
  const promise = promisify(execFile)(command, args, {
    cwd,
    maxBuffer: 2 ** 26,
    timeout: commandTimeoutMs,
  })
  const { pid } = promise.child
  if (pid !== undefined) running.set(pid, undefined)
  try {
    return (await promise).stdout
  } finally {
    if (pid !== undefined) running.delete(pid)
  }
}

/** Ours without what belongs to npm and to this repository's development, and with production on. */
function serverEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { NODE_ENV: "production" }
  for (const [name, value] of Object.entries(process.env)) {
    if (!/^(npm_|NODE_OPTIONS$|NODE_ENV$|CAPSTAN_)/i.test(name)) environment[name] = value
  }
  return environment
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  let failure: Error | undefined
  child.on("error", (error) => {
    failure = error
  })
  const giveUpAtMs = performance.now() + readyTimeoutMs
  while (performance.now() < giveUpAtMs) {
    if (failure !== undefined) throw failure
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`It ended with ${child.signalCode ?? child.exitCode}.`)
    }
    if ((await fetchText(url))?.status === 200) return
    await sleep(2)
  }
  throw new Error(`${url} did not answer 200 within ${readyTimeoutMs} ms.`)
}

/** SIGTERM, and SIGKILL for what is left of the tree after a while: an overloaded server may never drain. */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return
  const tree = processTree(child.pid)
  child.kill("SIGTERM")
  const giveUpAtMs = performance.now() + stopTimeoutMs
  while (tree.some(isRunning) && performance.now() < giveUpAtMs) await sleep(20)
  kill(tree)
  while (tree.some(isRunning)) await sleep(20)
  running.delete(child.pid)
}

function kill(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      // It has ended meanwhile.
    }
  }
}

function isRunning(pid: number): boolean {
  const [state] = statFields(pid)
  return state !== undefined && state !== "Z"
}

/** By asking every process for its parent: not every kernel lists a process's children. */
function processTree(root: number): number[] {
  const childrenOf = new Map<number, number[]>()
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    const parent = Number(statFields(Number(name))[1] ?? 0)
    childrenOf.set(parent, [...(childrenOf.get(parent) ?? []), Number(name)])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(childrenOf.get(pid) ?? []))
  return tree
}

/** User and system time, that of children already reaped included. */
function cpuMs(pid: number): number {
  let ticks = 0
  for (const member of processTree(pid)) {
    const fields = statFields(member)
    for (const index of [11, 12, 13, 14]) ticks += Number(fields[index] ?? 0)
  }
  // A tick is 10 ms on every Linux that Node runs on.
  return ticks * 10
}

function residentMiB(pid: number): number {
  let kiB = 0
  for (const member of processTree(pid)) {
    kiB += Number(/^VmRSS:\s+(\d+)/m.exec(readProc(`${member}/status`) ?? "")?.[1] ?? 0)
  }
  return kiB / 1024
}

/** proc_pid_stat(5) from its third field on; empty when there is no such process. */
function statFields(pid: number): string[] {
  const stat = readProc(`${pid}/stat`)
  return stat === undefined ? [] : stat.slice(stat.lastIndexOf(")") + 2).split(" ")
}

function readProc(path: string): string | undefined {
  try {
    return readFileSync(`/proc/${path}`, "utf8")
  } catch {
    return undefined
  }
}
