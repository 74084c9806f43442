/**
 * From starting the process to the first 200 of /readyz, and what it holds in memory when it has
 * nothing to do: the prime-factor example with two workers, in the forms it can have in production.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { build } from "esbuild"
import { freePort, root, startServer } from "./harness.ts"
import { type Bench, type Contender, measureRounds, median } from "./report.ts"

const idleMs = 5000
const example = join(root, "examples/prime-factor/service.ts")
const compiled = "compiled"
const bundled = "bundled"

export const start: Bench = {
  name: "start",
  question: "How long from start to ready, and how much memory at rest (prime-factor, 2 workers)?",
  async run({ rounds }) {
    // Below the package, so that `import "capstan"` finds it.
    mkdirSync(join(root, "bench/.build"), { recursive: true })
    const directory = mkdtempSync(join(root, "bench/.build/start-"))
    try {
      return await measure(rounds, directory)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

async function measure(rounds: number, directory: string): ReturnType<Bench["run"]> {
  const cli = join(root, "dist/cli/main.js")
  const compiledService = join(directory, "compiled/service.js")
  await build({
    ...buildOptions,
    entryPoints: [example],
    outfile: compiledService,
    packages: "external",
  })
  // As deep as dist/cli, since the command line looks for its package.json from there.
  const bundle = join(directory, "bundled/dist/cli")
  await build({
    ...buildOptions,
    entryPoints: {
      main: cli,
      worker: join(root, "dist/service/pool/worker.js"),
      service: example,
    },
    outdir: bundle,
    external: ["@fastify/swagger-ui"],
    splitting: true,
    banner: { js: requireForCommonJs },
  })
  copyFileSync(join(root, "package.json"), join(directory, "bundled/package.json"))
  const cache = join(directory, "cache")

  const rows = await measureRounds(rounds, [
    contender(compiled, cli, compiledService),
    contender(`${compiled}, compile cache`, cli, compiledService, cache),
    contender(bundled, join(bundle, "main.js"), join(bundle, "service.js")),
    contender(
      `${bundled}, compile cache`,
      join(bundle, "main.js"),
      join(bundle, "service.js"),
      cache,
    ),
  ])
  return {
    columns: [
      { key: "readyMs", title: "start to ready, ms", digits: 0 },
      { key: "cpuMs", title: "CPU until then, ms", digits: 0 },
      { key: "restMiB", title: "resident at rest, MiB", digits: 0 },
    ],
    rows,
    requirements: [
      {
        what: "start to ready, compiled, ms",
        is: median(rows, compiled, "readyMs"),
        must: "at most",
        bound: 200,
      },
      {
        what: "start to ready, bundled, ms",
        is: median(rows, bundled, "readyMs"),
        must: "at most",
        bound: 200,
      },
      {
        what: "resident at rest, bundled, MiB",
        is: median(rows, bundled, "restMiB"),
        must: "at most",
        bound: 100,
      },
    ],
  }
}

function contender(title: string, cli: string, service: string, cache?: string): Contender {
  return {
    title,
    async measure() {
      const [port, managementPort] = [await freePort(), await freePort()]
      await using server = await startServer({
        command: process.execPath,
        args: [
          ...[cli, "serve", service, "--host", "127.0.0.1", "--workers", "2"],
          ...["--port", `${port}`, "--management-port", `${managementPort}`],
        ],
        env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache },
        readyUrl: `http://127.0.0.1:${managementPort}/readyz`,
      })
      const { cpuMs } = server.usage()
      await sleep(idleMs)
      return { readyMs: server.readyAfterMs, cpuMs, restMiB: server.residentMiB() }
    },
  }
}

const buildOptions = {
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node24",
  logLevel: "error",
} as const

/** Libraries in CommonJS call `require`, which a module does not have by itself. */
const requireForCommonJs = [
  'import { createRequire as makeRequire } from "node:module"',
  'import { dirname as directoryOf } from "node:path"',
  "const require = makeRequire(import.meta.url)",
  "const __filename = import.meta.filename",
  "const __dirname = directoryOf(__filename)",
].join("\n")
