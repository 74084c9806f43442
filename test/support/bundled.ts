/** Bundles that `capstan image` writes, and the projects of which they are made. */
import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { cleanEnv } from "./clean-env.ts"
import { CliProcess, eventually, type RunOptions, runCli, TemporaryFolder } from "./cli.ts"
import { root } from "./repository.ts"
import { shortLived } from "./short-lived.ts"

/** The bundle as the image runs it: plain Node, no condition, in a folder without node_modules. */
export class Bundled implements AsyncDisposable {
  readonly child: ChildProcess
  output = ""

  constructor(cwd: string) {
    this.child = spawn(process.execPath, [...shortLived, "server.js"], {
      cwd,
      env: { ...cleanEnv(), CAPSTAN_PORT: "0", CAPSTAN_MANAGEMENT_PORT: "0", CAPSTAN_WORKERS: "2" },
      stdio: ["ignore", "pipe", "pipe"],
    })
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on("data", (chunk) => {
        this.output += chunk
      })
    }
  }

  async served(): Promise<{ url: string; managementUrl: string }> {
    return await eventually(() => {
      const [, url, managementUrl] =
        /"url":"([^"]+)","managementUrl":"([^"]+)"/.exec(this.output) ?? []
      assert.equal(this.child.exitCode, null, this.output)
      return url && managementUrl ? { url, managementUrl } : undefined
    }, "the bundle to serve")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null) return
    const closed = once(this.child, "close")
    this.child.kill("SIGKILL")
    await closed
  }
}

const fromSource = ["--conditions=capstan-source"]

/** A project of somebody's, with packages of its own. */
export class Project implements Disposable {
  readonly #folder = new TemporaryFolder()
  readonly path = join(this.#folder.path, "project")
  readonly #image = join(this.#folder.path, "image")
  /** For temporary files of the command line. */
  readonly tmp = join(this.#folder.path, "tmp")

  /** @param files by path; those in node_modules are packages. */
  constructor(files: Readonly<Record<string, string | Uint8Array>>) {
    mkdirSync(this.tmp)
    const manifest = '{"name":"project","version":"3.2.1","type":"module"}'
    this.write({ "package.json": manifest, "operations.ts": operations, ...files })
    mkdirSync(join(this.path, "node_modules"), { recursive: true })
    symlinkSync(root, join(this.path, "node_modules/capstan"))
  }

  /** The bundle, once it has been ejected. */
  get app(): string {
    return join(this.#image, "app")
  }

  write(files: Readonly<Record<string, string | Uint8Array>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, path)), { recursive: true })
      writeFileSync(join(this.path, path), text)
    }
  }

  /** Runs `capstan image --eject`. */
  async eject(...flags: readonly string[]): Promise<{ code: number | null; stderr: string }> {
    const args = ["image", "service.ts", "--eject", this.#image, ...flags]
    return await runCli(args, this.#options())
  }

  /** Starts `capstan image`. */
  image(flags: readonly string[], env: Readonly<Record<string, string>> = {}): CliProcess {
    return new CliProcess(["image", "service.ts", ...flags], this.#options(env))
  }

  #options(env: Readonly<Record<string, string>> = {}): RunOptions {
    return { cwd: this.path, node: fromSource, env: { TMPDIR: this.tmp, ...env } }
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]()
  }
}

/** What services of these projects are made of: operations without input that answer a text. */
const operations = `import { operation, service } from "capstan"
const text = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }),
  jsonSchema: { input: () => ({ type: "string" }), output: () => ({ type: "string" }) } } }
export const asking = (path, run, more = {}) =>
  operation({ method: "GET", path, output: text, examples: { one: {} }, run, ...more })
export const serving = (all) => service({ title: "project", version: "1.0.0", operations: all })
`

/** The service of a project, by path what each operation answers, as an expression. */
export function serviceOf(imports: string, answers: Readonly<Record<string, string>>): string {
  const all = Object.entries(answers).map(
    ([path, answer], at) => `  o${at}: asking("/${path}", async () => ${answer}),`,
  )
  return `import { asking, serving } from "./operations.ts"
${imports}
export default serving({
${all.join("\n")}
})
`
}

/** Something that a project has: its files, what the service imports for it, and answers by it. */
export interface Part {
  readonly files: Readonly<Record<string, string | Uint8Array>>
  readonly imports: string
  /** As `serviceOf` takes them. */
  readonly answers: Readonly<Record<string, string>>
}

/** The files of a project that has all of these: to make a bundle takes long, so that one serves many. */
export function together(parts: readonly Part[]): Part["files"] {
  const imports = parts.map((part) => part.imports).join("\n")
  const answers = Object.assign({}, ...parts.map((part) => part.answers))
  const files = Object.assign({}, ...parts.map((part) => part.files))
  return { ...files, "service.ts": serviceOf(imports, answers) }
}

/** What a bundle answers, by path. */
export async function answersOf(
  app: string,
  paths: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  await using bundled = new Bundled(app)
  const { url } = await bundled.served()
  const answers: Record<string, unknown> = {}
  for (const path of paths) {
    const answer = await fetch(`${url}/${path}`)
    answers[path] =
      answer.status === 200 ? await answer.json() : `${answer.status} ${bundled.output}`
  }
  return answers
}
