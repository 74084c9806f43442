/**
 * Who is measured: the same four functions under one server after another, each set up as its own
 * documentation recommends for production on two cores. Nothing is pinned or reniced; ours lowers
 * the priority of its own workers, as it does by default.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { freePort, root, run, type Server, startServer } from "../harness.ts"
import { spinIterationsVariable } from "./functions.ts"

export interface Peer {
  readonly name: PeerName
  readonly title: string
  /** Installs what is not part of the repository. Quick when it is there already. */
  prepare?(): Promise<void>
  start(options: StartOptions): Promise<RunningPeer>
}

export type PeerName =
  | "fastify"
  | "fastify-piscina"
  | "fastify-piscina-bounded"
  | "watt"
  | "fastapi-1"
  | "fastapi-2"
  | "capstan"

export interface StartOptions {
  readonly spinIterations: number
  readonly countsCalls?: boolean
  /** Plain Fastify only: its own logger. */
  readonly logsRequests?: boolean
  /** Capstan only: src/ and not dist/, which tests can't count on. */
  readonly fromSource?: boolean
  /** Capstan's settings, as flags. */
  readonly flags?: readonly string[]
}

export interface RunningPeer extends Server {
  readonly origin: string
  /** What an orchestrator would probe. */
  readonly livez: { readonly origin: string; readonly path: string }
}

const bench = join(root, "bench")
const venv = join(bench, ".venv")
const watt = join(bench, "peers/watt")
const fastapi = join(bench, "peers/fastapi")

const peers: readonly Peer[] = [
  {
    name: "capstan",
    title: "Capstan",
    async start({ spinIterations, countsCalls = false, fromSource = false, flags = [] }) {
      const [port, managementPort] = [await freePort(), await freePort()]
      const management = `http://127.0.0.1:${managementPort}`
      const server = await startServer({
        command: process.execPath,
        args: [
          ...(fromSource
            ? ["--conditions=capstan-source", "src/cli/main.ts"]
            : ["dist/cli/main.js"]),
          ...["serve", "bench/service.ts", "--host", "127.0.0.1"],
          ...["--port", `${port}`, "--management-port", `${managementPort}`],
          ...["--log-level", "warn", "--workers", "2", ...flags],
        ],
        env: { [spinIterationsVariable]: `${spinIterations}` },
        readyUrl: `${management}/readyz`,
        countsCalls,
      })
      return {
        ...server,
        origin: `http://127.0.0.1:${port}`,
        livez: { origin: management, path: "/livez" },
      }
    },
  },
  {
    name: "fastify",
    title: "Fastify, inline",
    start: (options) =>
      startNode(
        "bench/peers/fastify-inline.ts",
        options,
        options.logsRequests ? { LOGS_REQUESTS: "1" } : {},
      ),
  },
  {
    name: "fastify-piscina",
    title: "Fastify + Piscina",
    start: (options) => startNode("bench/peers/fastify-piscina.ts", options),
  },
  {
    name: "fastify-piscina-bounded",
    title: 'Fastify + Piscina, maxQueue "auto"',
    start: (options) =>
      startNode("bench/peers/fastify-piscina.ts", options, { PISCINA_MAX_QUEUE: "auto" }),
  },
  {
    name: "watt",
    title: "Watt, 2 workers",
    async prepare() {
      if (!existsSync(join(watt, "node_modules/.bin/wattpm"))) {
        await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], watt)
      }
    },
    async start({ spinIterations, countsCalls = false }) {
      const [port, managementPort] = [await freePort(), await freePort()]
      const management = `http://127.0.0.1:${managementPort}`
      const server = await startServer({
        command: process.execPath,
        args: ["node_modules/.bin/wattpm", "start"],
        cwd: watt,
        env: {
          PORT: `${port}`,
          MANAGEMENT_PORT: `${managementPort}`,
          [spinIterationsVariable]: `${spinIterations}`,
        },
        readyUrl: `${management}/ready`,
        countsCalls,
      })
      return {
        ...server,
        origin: `http://127.0.0.1:${port}`,
        livez: { origin: management, path: "/status" },
      }
    },
  },
  {
    name: "fastapi-1",
    title: "FastAPI, 1 process",
    prepare: prepareFastapi,
    start: (options) => startFastapi(options, 1),
  },
  {
    name: "fastapi-2",
    title: "FastAPI, 2 processes",
    prepare: prepareFastapi,
    start: (options) => startFastapi(options, 2),
  },
]

/** Those named, in that order. */
export function pick(...names: readonly PeerName[]): readonly Peer[] {
  return names.flatMap((name) => peers.filter((peer) => peer.name === name))
}

async function startNode(
  file: string,
  { spinIterations, countsCalls = false }: StartOptions,
  more: Readonly<Record<string, string>> = {},
): Promise<RunningPeer> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const server = await startServer({
    command: process.execPath,
    args: [file],
    env: { PORT: `${port}`, [spinIterationsVariable]: `${spinIterations}`, ...more },
    readyUrl: `${origin}/livez`,
    countsCalls,
  })
  return { ...server, origin, livez: { origin, path: "/livez" } }
}

/** Iterations of work.py's loop that take 20 ms of CPU. */
let pythonIterations: string | undefined

async function prepareFastapi(): Promise<void> {
  if (!existsSync(join(venv, "bin/uvicorn"))) {
    await run("python3", ["-m", "venv", venv])
    await run(join(venv, "bin/pip"), [
      ...["install", "--quiet", "--disable-pip-version-check"],
      ...["--requirement", join(fastapi, "requirements.txt")],
    ])
  }
  pythonIterations ??= (await run(join(venv, "bin/python"), ["calibrate.py", "20"], fastapi)).trim()
}

async function startFastapi(
  { countsCalls = false }: StartOptions,
  processes: number,
): Promise<RunningPeer> {
  if (pythonIterations === undefined) throw new Error("FastAPI was not prepared.")
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const server = await startServer({
    command: join(venv, "bin/uvicorn"),
    args: [
      ...["main:app", "--host", "127.0.0.1", "--port", `${port}`],
      ...["--loop", "uvloop", "--http", "httptools"],
      ...["--no-access-log", "--log-level", "warning"],
      ...(processes === 1 ? [] : ["--workers", `${processes}`]),
    ],
    cwd: fastapi,
    env: { BENCH_SPIN_ITERATIONS_PYTHON: pythonIterations, PYTHONDONTWRITEBYTECODE: "1" },
    readyUrl: `${origin}/livez`,
    countsCalls,
  })
  return { ...server, origin, livez: { origin, path: "/livez" } }
}
