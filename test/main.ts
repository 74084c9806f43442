/**
 * `npm test`, after the checks: every file or room of tests in a process of its own, a few at a time.
 * It ends with what was skipped for want of a program; where nothing may be left out (`CI` is set), a
 * skip is a failure. Arguments are the files to run instead of all.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { basename, join, resolve } from "node:path"
import { run } from "node:test"
import { spec } from "node:test/reporters"
import { pathToFileURL } from "node:url"
import { measuredSlowness, patientMs, slownessVariable } from "./support/patience.ts"
import { files, root } from "./support/repository.ts"
import { shortLived } from "./support/short-lived.ts"

/** Those that take longest begin first, so that at the end no core waits for one of them. */
const longest = [
  "test/repo/package.test.ts",
  "test/pool/setup.test.ts",
  "test/cli/dev.test.ts",
  "test/server/stuck.test.ts",
  "test/cli/up.test.ts",
  "test/kubernetes/image-trial.test.ts",
  "test/local/local.test.ts",
  "test/repo/commands.test.ts",
  "test/load/cli.test.ts",
]

/** These share a browser, whose start costs as much as what one of them does in it. */
const inBrowser = [
  "test/http/documentation.test.ts",
  "test/load/page-browser.test.ts",
  "test/load/report-html.test.ts",
]

/**
 * Rooms whose tests load much of the same and do little with it: each has one process, which is half of
 * what its files take one by one.
 */
const together = [
  ...["test/autoscale/", "test/http/", "test/kubernetes/", "test/load/", "test/local/"],
  ...["test/pool/", "test/repo/", "test/service/"],
]

/**
 * Files of those rooms that have a process of their own all the same: they spend their time on programs
 * that they start, so that others would wait behind them, or they change what is the process's (its
 * variables, its umask), or measure it.
 */
const apart = [
  "test/autoscale/agreement.test.ts",
  "test/kubernetes/builders.test.ts",
  "test/kubernetes/deploy.test.ts",
  "test/kubernetes/down.test.ts",
  "test/kubernetes/gke-commands.test.ts",
  "test/kubernetes/image-files.test.ts",
  "test/kubernetes/image-packages.test.ts",
  "test/kubernetes/image.test.ts",
  "test/kubernetes/interruption.test.ts",
  "test/kubernetes/kubeconfig.test.ts",
  "test/kubernetes/open.test.ts",
  "test/kubernetes/usage.test.ts",
  "test/kubernetes/watch-command.test.ts",
  "test/pool/crash.test.ts",
  "test/pool/isolation.test.ts",
  "test/pool/leftovers.test.ts",
  "test/pool/memory.test.ts",
  "test/repo/dead-code.test.ts",
  "test/repo/runner.test.ts",
  "test/repo/snippets.test.ts",
]

/** How a run of all tests ended, as `test/steady.ts` is told. */
export interface SuiteResult {
  readonly passed: number
  readonly failed: readonly string[]
}

/**
 * What has been compiled once is not compiled again: most of what the tests start, hundreds of
 * processes and workers, loads the same source, whose types have to be stripped and whose code has to
 * be compiled each time otherwise: about a third of the CPU time of a run. Node keeps it by the content
 * of the files, so that nothing stale is ever run; in a folder of this run's own, so that the services
 * which tests write are not collected for ever.
 */
const compiled = mkdtempSync(join(tmpdir(), "capstan-compiled-"))
process.on("exit", () => rmSync(compiled, { recursive: true, force: true, maxRetries: 5 }))
process.env.NODE_COMPILE_CACHE = compiled
// The bundler and the compiler are Go programs that live for a second: collecting garbage is a quarter
// of what they cost, and they need hardly more memory without. They begin to when they need much.
process.env.GOGC = "off"
process.env.GOMEMLIMIT = "1GiB"
process.env[slownessVariable] ??= `${measuredSlowness()}`

const named = [...inBrowser, ...longest, ...apart]
const rest = files("test/**/*.test.ts").filter((file) => !named.includes(file))
const isIn = (room: string) => (file: string) => file.startsWith(room)
const alone = rest.filter((file) => !together.some((room) => isIn(room)(file)))
const asked = process.argv.slice(2).map((file) => resolve(file))
const all = [
  inOne("browser", inBrowser),
  ...together.map((room) => inOne(basename(room), rest.filter(isIn(room)))),
  ...[...longest, ...apart, ...alone].map((file) => root + file),
]
const events = run({
  files: asked.length > 0 ? asked : all,
  execArgv: shortLived,
  // Many of them wait for a process or a timer most of the time.
  concurrency: availableParallelism() + 2,
  timeout: patientMs(600_000),
})

let passed = 0
const failed: string[] = []
const skipped: { readonly name: string; readonly reason: string }[] = []
events.on("test:fail", ({ name, file, details }) => {
  // A file fails when one of its tests does, which says more.
  const { failureType } = details.error as Error & { readonly failureType?: string }
  if (failureType !== "subtestsFailed") failed.push(`${file?.replace(root, "")}: ${name}`)
})
events.on("test:pass", ({ name, skip, details }) => {
  if (skip !== undefined) skipped.push({ name, reason: `${skip}` })
  else if (details.type !== "suite") passed += 1
})
events.compose(new spec()).pipe(process.stdout)

process.on("exit", () => {
  if (skipped.length > 0) console.log(`\n${sayingSkipped()}`)
  if (failed.length > 0 || (process.env.CI && skipped.length > 0)) process.exitCode = 1
})
events.on("end", () => {
  const result: SuiteResult = { passed, failed }
  process.send?.(result)
})

/** One line: why, with the command that mends it, and the tests by name. */
function sayingSkipped(): string {
  const byReason = Map.groupBy(skipped, ({ reason }) => reason)
  const each = Array.from(byReason, ([reason, tests]) => {
    return `${reason}: ${tests.map(({ name }) => `"${name}"`).join(", ")}`
  })
  return `Skipped: ${each.join("; ")}`
}

/** A module that imports these. */
function inOne(name: string, tests: readonly string[]): string {
  const imports = tests.map((file) => `import ${JSON.stringify(pathToFileURL(root + file))}`)
  const file = join(compiled, `${name}.test.mjs`)
  writeFileSync(file, imports.join("\n"))
  return file
}
