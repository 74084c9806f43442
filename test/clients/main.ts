/**
 * Calls every operation of the examples by clients that are generated from their OpenAPI documents:
 * in TypeScript by openapi-typescript and openapi-fetch, in Python by openapi-python-client.
 *
 * `npm run test:clients`: the generators are installed into a folder of their own, and stay there
 * until others are wanted. They are no dependencies of this repository: they need a TypeScript that has an interface for
 * programs, which the one here no longer has, and Python with venv.
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { type Server, serve } from "capstan"
import { files, root } from "../support/repository.ts"

const folder = join(root, ".venv/clients")
const made = join(folder, "made")
const modules = new Map([
  ...files("examples/*/service.ts").map((file) => [basename(dirname(file)), file] as const),
  ["named", "test/clients/named.ts"],
])
/** A line of text, which is a picture to make smaller as well. */
const picture = join(root, "examples/inference/line.png")
const npmPackages = ["openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3"]

installOnce()
rmSync(made, { recursive: true, force: true })
mkdirSync(made)
await using servers = new AsyncDisposableStack()
const running = new Map<string, Server>()
for (const [name, module] of modules) {
  const server = await serve(pathToFileURL(join(root, module)), {
    settings: { host: "127.0.0.1", port: 0, managementPort: 0, logLevel: "error" },
    env: {},
  })
  servers.use(server)
  running.set(name, server)
  await generate(name, `${server.url}/openapi.json`)
}
copyFileSync(new URL("calls.txt", import.meta.url), join(made, "calls.ts"))
copyFileSync(new URL("calls.py", import.meta.url), join(made, "calls.py"))
writeFileSync(join(made, "package.json"), '{ "type": "module" }')
await must(process.execPath, [
  join(folder, "node_modules/typescript/bin/tsc"),
  ...["--noEmit", "--strict", "--skipLibCheck", "--target", "esnext", "--module", "nodenext"],
  ...["--allowImportingTsExtensions", "--types", "node"],
  ...["--typeRoots", join(root, "node_modules/@types"), "calls.ts"],
])
await callAll("TypeScript", process.execPath, "calls.ts")
await callAll("Python", join(folder, "bin/python"), "calls.py")

/** Has a program call all services, which then have to know of a good answer by each operation. */
async function callAll(language: string, command: string, program: string): Promise<void> {
  const before = await answered()
  const urls = Object.fromEntries(Array.from(running, ([name, { url }]) => [name, url]))
  await must(command, [program, JSON.stringify(urls), picture])
  const after = await answered()
  const uncalled = [...after.keys()].filter((each) => after.get(each) === before.get(each))
  if (uncalled.length > 0) throw new Error(`${program} does not call ${uncalled.join(", ")}.`)
  console.log(`${language}: all ${after.size} operations answered`)
}

/** How often each operation of all services has answered as it should. */
async function answered(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const [name, { url, managementUrl }] of running) {
    const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApi
    const metrics = await (await fetch(`${managementUrl}/metrics`)).text()
    for (const { operationId } of Object.values(paths).flatMap((path) => Object.values(path))) {
      const line = new RegExp(
        `^capstan_request_duration_seconds_count\\{operation="${operationId}",outcome="ok"\\} (\\d+)`,
        "m",
      )
      counts.set(`${operationId} of ${name}`, Number(line.exec(metrics)?.[1] ?? 0))
    }
  }
  return counts
}

interface OpenApi {
  readonly paths: Readonly<
    Record<string, Readonly<Record<string, { readonly operationId: string }>>>
  >
}

async function generate(name: string, document: string): Promise<void> {
  const openapiTypescript = join(folder, "node_modules/openapi-typescript/bin/cli.js")
  await must(process.execPath, [openapiTypescript, document, "-o", `${name}.ts`])
  const config = join(made, `${name}.json`)
  const image = "application/octet-stream"
  const packageName = name.replaceAll("-", "_")
  writeFileSync(
    config,
    JSON.stringify({
      package_name_override: packageName,
      // It knows no other bytes; this is how its users say that an image is some.
      content_type_overrides: {
        "image/png": image,
        "image/jpeg": image,
        "image/webp": image,
        "image/avif": image,
      },
    }),
  )
  await must(join(folder, "bin/openapi-python-client"), [
    ...["generate", "--meta", "none", "--fail-on-warning"],
    ...["--url", document, "--config", config, "--output-path", packageName],
  ])
}

function installOnce(): void {
  const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url))
  const wanted = [readFileSync(requirements, "utf8"), ...npmPackages].join("\n")
  const installed = join(folder, "installed")
  if (existsSync(installed) && readFileSync(installed, "utf8") === wanted) return
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  install("python3", ["-m", "venv", folder])
  install(join(folder, "bin/pip"), ["install", "--quiet", "-r", requirements])
  writeFileSync(join(folder, "package.json"), "{}")
  install("npm", ["install", "--silent", "--prefix", folder, ...npmPackages])
  writeFileSync(installed, wanted)
}

function install(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { stdio: "inherit" })
  if (status !== 0) {
    throw new Error(`${command} ${args.join(" ")} failed; Python 3 with venv and npm are needed.`)
  }
}

/** Runs a program beside what is generated, where this process goes on serving. */
async function must(command: string, args: readonly string[]): Promise<void> {
  const env = { ...process.env, PATH: `${join(folder, "bin")}:${process.env.PATH}` }
  const [code] = await once(spawn(command, args, { stdio: "inherit", cwd: made, env }), "exit")
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} failed (${code}).`)
}
