/**
 * What has been compiled once is not compiled again: most of what the tests start, hundreds of
 * processes and workers, loads the same source, whose types have to be stripped and whose code has to
 * be compiled each time otherwise: about a third of the CPU time of `npm test`. Node keeps it by the
 * content of the files, so that nothing stale is ever run; in a folder of this run's own, so that the
 * services which tests write are not collected for ever.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

let folder: string | undefined

/** By the test runner, before the first test. Processes and workers inherit it. */
export function globalSetup(): void {
  folder = mkdtempSync(join(tmpdir(), "capstan-compiled-"))
  process.env.NODE_COMPILE_CACHE = folder
}

/** By the test runner, after the last. */
export function globalTeardown(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}
