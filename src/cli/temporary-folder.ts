/**
 * A folder for what a command needs on its way. It goes when it is disposed of, or with the process:
 * only SIGKILL leaves it behind.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "capstan-"))
  // A program that has just been told to end may still be writing there.
  const remove = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  process.on("exit", remove)
  return {
    path,
    [Symbol.dispose]() {
      process.off("exit", remove)
      remove()
    },
  }
}
