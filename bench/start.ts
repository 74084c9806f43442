/**
 * From starting the process to the first 200 of /readyz, and what it holds in memory when it has
 * nothing to do: the prime-factor example with two workers, in the forms it can have in production; and
 * under `capstan dev`, from saving a file to the first answer of what was saved.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { build } from "esbuild"
import { fetchText, freePort, root, run, startServer } from "./harness.ts"
import { type Bench, type Contender, measureRounds, median } from "./report.ts"

const idleMs = 5000
const example = join(root, "examples/prime-factor/service.ts")
const compiled = "compiled"
const bundled = "bundled, as in an image"

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
    entryPoints: [example],
    outfile: compiledService,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node24",
    logLevel: "error",
  })
  // What is in the image.
  const image = join(directory, "image")
  await run(process.execPath, [cli, "image", example, "--eject", image])
  const program = join(image, "app/server.js")
  const cache = join(directory, "cache")

  const serve = [cli, "serve", compiledService]
  const rows = await measureRounds(rounds, [
    contender(compiled, serve),
    contender(`${compiled}, compile cache`, serve, cache),
    contender(bundled, [program]),
    contender(`${bundled}, compile cache`, [program], cache),
    changed(cli, join(directory, "dev")),
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

function contender(title: string, program: readonly string[], cache?: string): Contender {
  return {
    title,
    async measure() {
      const [port, managementPort] = [await freePort(), await freePort()]
      await using server = await startServer({
        command: process.execPath,
        args: program,
        env: {
          CAPSTAN_HOST: "127.0.0.1",
          CAPSTAN_PORT: `${port}`,
          CAPSTAN_MANAGEMENT_PORT: `${managementPort}`,
          CAPSTAN_WORKERS: "2",
          ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }),
        },
        readyUrl: `http://127.0.0.1:${managementPort}/readyz`,
      })
      const { cpuMs } = server.usage()
      await sleep(idleMs)
      return { readyMs: server.readyAfterMs, cpuMs, restMiB: server.residentMiB() }
    },
  }
}

/** A change that is saved while `capstan dev` serves: from then to its first answer. */
function changed(cli: string, folder: string): Contender {
  mkdirSync(folder)
  copyFileSync(join(root, "examples/prime-factor/factor.ts"), join(folder, "factor.ts"))
  const path = join(folder, "service.ts")
  const source = readFileSync(example, "utf8")
  return {
    title: "a change under capstan dev",
    async measure() {
      writeFileSync(path, source)
      const [port, managementPort] = [await freePort(), await freePort()]
      const url = `http://127.0.0.1:${port}`
      await using server = await startServer({
        command: process.execPath,
        args: [cli, "dev", path, "--port", `${port}`, "--management-port", `${managementPort}`],
        env: { CAPSTAN_WORKERS: "2" },
        readyUrl: `http://127.0.0.1:${managementPort}/readyz`,
      })
      // By now the process that is to serve the change is there as well, as for who edits.
      await sleep(idleMs)
      const restMiB = server.residentMiB()
      const before = server.usage()
      const savedAtMs = performance.now()
      writeFileSync(path, source.replaceAll("pong!", "changed!"))
      while (!(await fetchText(`${url}/ping`))?.text.includes("changed!")) await sleep(2)
      const readyMs = performance.now() - savedAtMs
      return { readyMs, cpuMs: server.usage().cpuMs - before.cpuMs, restMiB }
    },
  }
}
