/**
 * Why a module could not be loaded, for the person who wrote it: where, what, and what to do. Node
 * knows all of it but says it in five different ways, half of them lost once an error has been
 * caught. The result is plain data: `capstan dev` passes it between processes.
 */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { ModuleError } from "../service/module.ts"
import { SettingError } from "../service/settings.ts"
import { Failure } from "./failure.ts"
import { packageRoot } from "./package.ts"

export interface LoadFailure {
  /** 2: this module is no service. 1: it is, or could be, and it is broken. */
  readonly exitCode: 1 | 2
  readonly message: string
  /** `service.ts:12`, from the current folder, when it is known. */
  readonly place: string | undefined
  /** The line of source and a mark below it, when Node shows one. */
  readonly excerpt: string | undefined
  readonly hint: string | undefined
  /** The calls that led there, for what the module itself threw. */
  readonly calls: readonly string[]
}

/**
 * @param error what importing the module threw.
 * @param module the module's URL.
 * @param loaded the files that were being loaded, the last one last, as far as they are known.
 */
export function loadFailure(
  error: unknown,
  module: URL,
  loaded: readonly string[] = [],
): LoadFailure {
  if (error instanceof SettingError) return plain(2, error.message)
  const noService = error instanceof ModuleError && error.cause === undefined
  if (noService) {
    return {
      exitCode: 2,
      message: "It does not export a service.",
      place: shortened(fileURLToPath(module)),
      excerpt: undefined,
      hint: 'End it with:  export default service({ title: "…", version: "…", operations: { … } })',
      calls: [],
    }
  }
  const cause = error instanceof ModuleError ? error.cause : error
  if (!(cause instanceof Error)) {
    return plain(1, `It threw ${JSON.stringify(cause) ?? String(cause)}, which is not an error.`)
  }
  const seen = source(cause, [...loaded, fileURLToPath(module)])
  return {
    exitCode: 1,
    message: `${cause.name}: ${cause.message.replaceAll("file://", "").replaceAll(`${process.cwd()}/`, "")}`,
    place: seen?.place,
    excerpt: seen?.excerpt,
    hint: hint(cause),
    calls: cause instanceof SyntaxError ? [] : userFrames(cause),
  }
}

/** A failure of which no more is known than what it was. */
function plain(exitCode: LoadFailure["exitCode"], message: string): LoadFailure {
  return { exitCode, message, place: undefined, excerpt: undefined, hint: undefined, calls: [] }
}

/** The same for a command that ends because of it. */
export function asFailure(failed: LoadFailure, typed: string): Failure {
  return new Failure(failed.exitCode, `${typed} can't be served.`, described(failed).join("\n"))
}

/** In lines, for a terminal or a page. */
export function described(failed: LoadFailure): string[] {
  const { place, excerpt, message, hint: what, calls } = failed
  return [
    ...(place === undefined ? [] : [place]),
    ...(excerpt === undefined ? [] : [...excerpt.split("\n").map((line) => `  ${line}`)]),
    message,
    ...calls.map((call) => `  at ${call}`),
    ...(what === undefined ? [] : [what]),
  ]
}

interface Seen {
  readonly place: string
  readonly excerpt: string | undefined
}

/** Where it happened. Node puts `file:line`, the source and a mark in front of some stacks. */
function source(error: Error, files: readonly string[]): Seen | undefined {
  const shown = excerptOf(error.stack ?? "")
  if (shown !== undefined) return shown
  if (error instanceof SyntaxError) {
    // The place of a syntax error in JavaScript is lost when it is caught. Node tells it again.
    for (const file of files.toReversed()) {
      const { stderr } = spawnSync(process.execPath, ["--check", file], { encoding: "utf8" })
      const again = excerptOf(stderr)
      if (again !== undefined) return again
    }
  }
  const importer = importerIn(error)
  if (importer !== undefined) return { place: shortened(importer), excerpt: undefined }
  const frame = userFrames(error)[0]
  const place = frame === undefined ? undefined : /([^(\s]+:\d+):\d+\)?$/.exec(frame)?.[1]
  return place === undefined ? undefined : { place, excerpt: undefined }
}

function excerptOf(stack: string): Seen | undefined {
  const lines = stack.split("\n")
  const mark = lines.findIndex((line) => /^\s*\^+\s*$/.test(line))
  const head = /^(.+):(\d+)$/.exec(lines[0] ?? "")
  if (mark < 1 || head === null) return undefined
  const excerpt = lines
    .slice(1, mark + 1)
    .join("\n")
    .trimEnd()
  return { place: shortened(`${head[1]}:${head[2]}`), excerpt }
}

const framesMax = 5

/** The calls in the person's own files: not Node's, not Capstan's, not a library's. */
function userFrames(error: Error): string[] {
  return (error.stack ?? "")
    .split("\n")
    .filter((line) => /^ {4}at .*:\d+:\d+\)?$/.test(line))
    .filter((line) => !/node:|node_modules/.test(line) && !line.includes(ownFolder))
    .slice(0, framesMax)
    .map((line) => shortened(line.replace(/^ {4}at (async )?/, "")))
}

/** `src/` or `dist/` of Capstan itself. */
const ownFolder = new URL("..", import.meta.url).href

function hint(
  error: Error & { readonly code?: unknown; readonly url?: unknown },
): string | undefined {
  if (error.code === "ERR_MODULE_NOT_FOUND") {
    const name = /Cannot find package '([^']+)'/.exec(error.message)?.[1]
    // By that name npm's registry would give somebody else's package.
    if (name === "capstan") return `Install it:  npm install ${nearer(packageRoot)}`
    const importer = importerIn(error)
    if (name !== undefined && importer !== undefined && hasPaths(dirname(importer))) {
      return `Install it:  npm install ${name}\nIf it is one of the tsconfig's \`paths\`, a loader has to find it:  npm install tsx  and  NODE_OPTIONS=--import=tsx`
    }
    if (name !== undefined) return `Install it:  npm install ${name}`
    const missing = typeof error.url === "string" ? fileURLToPath(error.url) : undefined
    const real = missing === undefined ? undefined : withExtension(missing)
    return real === undefined
      ? undefined
      : `Write the import with its extension: ${shortened(real)}`
  }
  if (error.code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") {
    return "Node runs TypeScript by leaving its types out, so nothing that needs compiling can stand there. Set `erasableSyntaxOnly` in tsconfig.json, and your editor will say so. Or let a loader compile it, tsx for one:  npm install tsx  and  NODE_OPTIONS=--import=tsx"
  }
  if (error.message.includes("does not provide an export named")) {
    return "If it is a type, import it with `import type`."
  }
  return undefined
}

function importerIn(error: Error): string | undefined {
  return / imported from (.+)$/m.exec(error.message)?.[1]
}

/** Whether the nearest tsconfig.json gives names to modules, which Node knows nothing of. */
function hasPaths(folder: string): boolean {
  const file = join(folder, "tsconfig.json")
  if (existsSync(file)) return readFileSync(file, "utf8").includes('"paths"')
  const above = dirname(folder)
  return above !== folder && hasPaths(above)
}

function withExtension(missing: string): string | undefined {
  const stem = missing.replace(/\.[cm]?js$/, "")
  return [".ts", ".mts", ".js", ".mjs", "/index.ts", "/index.js"]
    .map((ending) => stem + ending)
    .find((file) => file !== missing && existsSync(file))
}

function shortened(place: string): string {
  return place
    .replaceAll(/file:\/\/[^\s)]+/g, (url) => decodeURIComponent(new URL(url).pathname))
    .replaceAll(/(^|\()(\/[^\s:)]+)/g, (_, before, path) => before + nearer(path))
}

/** The shorter of the path from here and the whole path. */
function nearer(path: string): string {
  const short = relative(process.cwd(), path)
  return short !== "" && short.length < path.length ? short : path
}
