/**
 * Calls every operation of the examples by clients that are generated from their OpenAPI documents:
 * in TypeScript by openapi-typescript and openapi-fetch, in Python by openapi-python-client.
 *
 * `npm run test:clients`: the generators are installed into a folder of their own on first use.
 * They are no dependencies of this repository: they need a TypeScript that has an interface for
 * programs, which the one here no longer has, and Python with venv.
 */
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { serve } from "capstan"
import sharp from "sharp"

const root = new URL("../../", import.meta.url)
const folder = fileURLToPath(new URL(".venv/clients/", root))
const made = join(folder, "made")
const modules = {
  "prime-factor": "examples/prime-factor/service.ts",
  thumbnail: "examples/thumbnail/service.ts",
  named: "test/clients/named.ts",
}
const npmPackages = ["openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3"]

installOnce()
rmSync(made, { recursive: true, force: true })
mkdirSync(made)
await using servers = new AsyncDisposableStack()
const urls: string[] = []
for (const [name, module] of Object.entries(modules)) {
  const server = await serve(new URL(module, root), {
    settings: { host: "127.0.0.1", port: 0, managementPort: 0, logLevel: "error" },
    env: {},
  })
  servers.use(server)
  urls.push(server.url)
  await generate(name, `${server.url}/openapi.json`)
}
const picture = join(made, "picture.png")
const background = { r: 200, g: 30, b: 30 }
await sharp({ create: { width: 64, height: 64, channels: 3, background } }).toFile(picture)
copyFileSync(new URL("calls.txt", import.meta.url), join(made, "calls.ts"))
copyFileSync(new URL("calls.py", import.meta.url), join(made, "calls.py"))
writeFileSync(join(made, "package.json"), '{ "type": "module" }')
await must(process.execPath, [
  join(folder, "node_modules/typescript/bin/tsc"),
  ...["--noEmit", "--strict", "--skipLibCheck", "--target", "esnext", "--module", "nodenext"],
  ...["--allowImportingTsExtensions", "--types", "node"],
  ...["--typeRoots", fileURLToPath(new URL("node_modules/@types", root)), "calls.ts"],
])
await must(process.execPath, ["calls.ts", ...urls, picture])
await must(join(folder, "bin/python"), ["calls.py", ...urls, picture])

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
  if (existsSync(join(folder, "installed"))) return
  mkdirSync(folder, { recursive: true })
  const requirements = fileURLToPath(new URL("requirements.txt", import.meta.url))
  install("python3", ["-m", "venv", folder])
  install(join(folder, "bin/pip"), ["install", "--quiet", "-r", requirements])
  writeFileSync(join(folder, "package.json"), "{}")
  install("npm", ["install", "--silent", "--prefix", folder, ...npmPackages])
  writeFileSync(join(folder, "installed"), "")
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
