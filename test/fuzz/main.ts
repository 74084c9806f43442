/**
 * Fuzzes services from their own OpenAPI documents with Schemathesis: no 5xx, and no
 * answer that the document does not declare.
 *
 * `npm run test:fuzz`: Schemathesis is a Python program, which is installed into a folder of its own
 * on first use. About a minute for each service.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { serve } from "capstan"
import { deadlineHeader } from "../../src/core/http/deadline-header.ts"

const root = new URL("../../", import.meta.url)
const venv = fileURLToPath(new URL(".venv/fuzz/", root))
const modules = [
  "test/fuzz/service.ts",
  "examples/prime-factor/service.ts",
  "examples/thumbnail/service.ts",
]
/**
 * All that speak of the document's answers. Not those that speak of its inputs: JSON with `__proto__`
 * in it is valid and refused, and what makes a form invalid can get lost when it is written.
 */
const checks = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_headers_conformance",
  "response_schema_conformance",
  "unsupported_method",
  "allow_header_conformance",
]
const secondsEach = process.env.FUZZ_SECONDS ?? "60"

if (!existsSync(`${venv}bin/schemathesis`)) {
  must("python3", ["-m", "venv", venv])
  must(`${venv}bin/pip`, [
    "install",
    "--quiet",
    "-r",
    fileURLToPath(new URL("requirements.txt", import.meta.url)),
  ])
}
let failed = 0
for (const module of modules) failed += (await fuzz(module)) ? 0 : 1
console.log(`${modules.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

async function fuzz(module: string): Promise<boolean> {
  await using server = await serve(new URL(module, root), {
    settings: { host: "127.0.0.1", port: 0, managementPort: 0, logLevel: "error" },
    env: {},
  })
  console.log(`\n${module} at ${server.url}`)
  const child: ChildProcess = spawn(
    `${venv}bin/schemathesis`,
    [
      "run",
      await saveDocument(server.url),
      `--url=${server.url}`,
      `--checks=${checks.join(",")}`,
      "--phases=examples,coverage,fuzzing",
      `--max-time=${secondsEach}`,
      "--workers=1",
    ],
    // It leaves its notes in the folder where it runs.
    { stdio: "inherit", cwd: venv },
  )
  const [code] = await once(child, "exit")
  return code === 0
}

/**
 * The service's document without its deadline header: a client that gives the server a millisecond
 * is rightly answered 503 or 504, and these would hide the 5xx that are not right.
 */
async function saveDocument(url: string): Promise<string> {
  const response = await fetch(`${url}/openapi.json`)
  const text = JSON.stringify(await response.json(), (_, value: unknown) =>
    Array.isArray(value) ? value.filter((item) => !isDeadlineHeader(item)) : value,
  )
  const path = join(venv, "openapi.json")
  writeFileSync(path, text)
  return path
}

function isDeadlineHeader(value: unknown): boolean {
  const { name, $ref } = (value ?? {}) as { readonly name?: unknown; readonly $ref?: unknown }
  return name === deadlineHeader || `${$ref}`.endsWith("/TimeAllowed")
}

function must(command: string, args: readonly string[]): void {
  const { status } = spawnSync(command, args, { stdio: "inherit" })
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")} failed; Python 3 with venv is needed.`)
}
