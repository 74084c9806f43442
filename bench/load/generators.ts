/**
 * Load generators, each as its documentation has it for one core: pinned to one, with the target on
 * the other. What a generator can do is told by the core: requests for each second of CPU that it
 * used, its start included, whatever else the machine did meanwhile.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { freePort, root, run, type Server, startServer } from "../harness.ts"
import type { Figures } from "../report.ts"

export const connections = 64
const targetCore = 0
const generatorCore = 1
const venv = join(root, "bench/.venv")
const tools = join(root, "bench/.build/bin")
const vegetaModule = "github.com/tsenart/vegeta/v12@v12.13.0"

export interface Target extends Server {
  readonly origin: string
}

/** @param mode `stall`: it answers nothing for a second in every ten. */
export async function startTarget(mode: "steady" | "stall" = "steady"): Promise<Target> {
  if (availableParallelism() < 2) throw new Error("The load benches take two cores.")
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const node = [process.execPath, "bench/load/target.ts", `${port}`, mode]
  const server = await startServer({
    command: "taskset",
    args: ["-c", `${targetCore}`, ...node],
    readyUrl: `${origin}/`,
  })
  return { ...server, origin }
}

/** What a generator said and used. */
export interface Ran {
  readonly stdout: string
  readonly code: number
  readonly cpuS: number
}

/** On the generators' core, to its end. */
export async function pinned(command: string, args: readonly string[]): Promise<Ran> {
  // The sources are for development: what is published is measured.
  const script = 'unset NODE_OPTIONS; taskset -c "$0" "$@"; code=$?; echo; echo "exit $code"; times'
  const said = await run("bash", ["-c", script, `${generatorCore}`, command, ...args])
  const lines = said.trimEnd().split("\n")
  const [exit = "", , children = ""] = lines.slice(-3)
  const cpuS = [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds),
    0,
  )
  return { stdout: lines.slice(0, -3).join("\n"), code: Number(exit.slice(5)), cpuS }
}

/** What one round of any of them comes to. */
export function figures(
  { cpuS }: Ran,
  seconds: number,
  { requests, failures, p99Ms }: { requests: number; failures: number; p99Ms: number },
): Figures {
  return {
    perSecond: requests / seconds,
    perCore: requests / cpuS,
    p99: p99Ms,
    failed: failures,
    cores: cpuS / seconds,
  }
}

/** What `capstan load` wrote with `--json`, as far as the benches read it. */
export interface CapstanResult {
  readonly durationMs: number
  readonly total: {
    readonly requests: number
    readonly failures: number
    readonly latency: { readonly percentilesMs: Readonly<Record<string, number>> }
  }
  readonly generator: {
    readonly lagMs: { readonly p50: number; readonly p99: number; readonly max: number }
  }
}

/** @param load the flags that say how much. */
export async function capstan(
  scenario: string,
  origin: string,
  load: readonly string[],
): Promise<{ readonly ran: Ran; readonly result: CapstanResult }> {
  const directory = mkdtempSync(join(tmpdir(), "bench-load-"))
  const json = join(directory, "result.json")
  try {
    const flags = ["--host", origin, "--headless", "--workers", "1", "--json", json]
    const main = join(root, "dist/cli/main.js")
    const ran = await pinned(process.execPath, [main, "load", scenario, ...flags, ...load])
    // 98: it had no CPU left, which is what is asked for where the target is quicker.
    if (ran.code !== 0 && ran.code !== 98)
      throw new Error(`It ended with ${ran.code}: ${ran.stdout}`)
    return { ran, result: JSON.parse(readFileSync(json, "utf8")) }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Users that send as fast as they are answered. */
export async function capstanUsers(
  scenario: string,
  origin: string,
  seconds: number,
): Promise<Figures> {
  const users = ["--users", `${connections}`, "--spawn-rate", "6400", "--run-time", `${seconds}s`]
  const { ran, result } = await capstan(scenario, origin, users)
  const { requests, failures, latency } = result.total
  return figures(ran, result.durationMs / 1000, {
    requests,
    failures,
    p99Ms: latency.percentilesMs[99] ?? Number.NaN,
  })
}

/** @param script of ours instead of its command line. */
export async function autocannon(
  origin: string,
  seconds: number,
  { script, rate }: { readonly script?: string; readonly rate?: number } = {},
): Promise<Figures> {
  const command = join(root, "node_modules/autocannon/autocannon.js")
  const ran = await pinned(
    process.execPath,
    script === undefined
      ? [
          ...[command, "--json", "--no-progress", "-c", `${connections}`, "-d", `${seconds}`],
          ...(rate === undefined ? [] : ["-R", `${rate}`]),
          `${origin}/`,
        ]
      : [script, origin, `${seconds}`, `${connections}`],
  )
  const said = JSON.parse(ran.stdout.slice(ran.stdout.indexOf("{")))
  return figures(ran, said.duration, {
    requests: said.requests.total,
    failures: said.errors + said.timeouts + said.non2xx,
    p99Ms: said.latency.p99,
  })
}

export async function prepareLocust(): Promise<void> {
  if (existsSync(join(venv, "bin/locust"))) return
  await run("python3", ["-m", "venv", venv])
  await run(join(venv, "bin/pip"), [
    ...["install", "--quiet", "--disable-pip-version-check"],
    ...["--requirement", join(root, "bench/load/requirements.txt")],
  ])
}

export async function locust(
  user: "Home" | "TwoSteps",
  origin: string,
  seconds: number,
): Promise<Figures> {
  const ran = await pinned(join(venv, "bin/locust"), [
    ...["--locustfile", join(root, "bench/load/locustfile.py"), "--headless", "--json"],
    ...["--users", `${connections}`, "--spawn-rate", `${connections}`, "--loglevel", "ERROR"],
    ...["--run-time", `${seconds}s`, "--host", origin, user],
  ])
  const rows: readonly LocustRow[] = JSON.parse(ran.stdout.slice(ran.stdout.indexOf("[")))
  const requests = rows.reduce((sum, row) => sum + row.num_requests, 0)
  const failures = rows.reduce((sum, row) => sum + row.num_failures, 0)
  const times = new Map<number, number>()
  for (const { response_times } of rows) {
    for (const [ms, count] of Object.entries(response_times)) {
      times.set(Number(ms), (times.get(Number(ms)) ?? 0) + count)
    }
  }
  return figures(ran, seconds, { requests, failures, p99Ms: percentile(times, requests, 0.99) })
}

interface LocustRow {
  readonly num_requests: number
  readonly num_failures: number
  /** By milliseconds, rounded. */
  readonly response_times: Readonly<Record<string, number>>
}

function percentile(times: ReadonlyMap<number, number>, total: number, share: number): number {
  let seen = 0
  for (const [ms, count] of [...times].toSorted(([a], [b]) => a - b)) {
    seen += count
    if (seen >= share * total) return ms
  }
  return Number.NaN
}

/**
 * Builds vegeta, a module that Go's own command gets.
 * @returns whether there is one now; without Go there is none, and that is said.
 */
export async function prepareVegeta(): Promise<boolean> {
  if (existsSync(join(tools, "vegeta"))) return true
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/local/go/bin"]
  const go = folders.map((folder) => join(folder, "go")).find((path) => existsSync(path))
  if (go === undefined) {
    process.stderr.write("  There is no `go` here: vegeta is LEFT OUT.\n")
    return false
  }
  mkdirSync(tools, { recursive: true })
  await run("env", [`GOBIN=${tools}`, go, "install", vegetaModule])
  return true
}

/** @param rate a second; 0 for as fast as the connections are answered. */
export async function vegeta(origin: string, seconds: number, rate: number): Promise<Figures> {
  const script = `echo "GET $1/" | "$0" attack -rate "$2" -duration "$3s" -connections ${connections} ${rate === 0 ? `-workers ${connections} -max-workers ${connections}` : ""} | "$0" report -type json`
  const args = ["-c", script, join(tools, "vegeta"), origin, `${rate}`, `${seconds}`]
  const ran = await pinned("bash", args)
  const said = JSON.parse(ran.stdout)
  return figures(ran, seconds, {
    requests: said.requests,
    failures: Math.round(said.requests * (1 - said.success)),
    p99Ms: said.latencies["99th"] / 1e6,
  })
}
