/** What is told and written of a run: checked before it, done after it. */

import { compare } from "../load/report/compare.ts"
import { reportPaths, unwritable, writeReports } from "../load/report/files.ts"
import { readResult, type StoredResult, stored } from "../load/report/stored.ts"
import { resultText } from "../load/report/table.ts"
import type { Result } from "../load/result.ts"
import { commandLine } from "./command-line.ts"
import { complaint, Failure } from "./failure.ts"
import type { LoadFlags } from "./load-flags.ts"
import { print, printError } from "./print.ts"

export class Reports {
  readonly #flags: LoadFlags
  readonly #earlier: StoredResult | undefined

  private constructor(flags: LoadFlags, earlier: StoredResult | undefined) {
    this.#flags = flags
    this.#earlier = earlier
  }

  /**
   * Before anything is sent: hours of load must not end with a folder that is not there.
   * @throws {Failure} when a report could not be written.
   * @throws {LoadError} when the earlier result can't be read.
   */
  static async open(flags: LoadFlags): Promise<Reports> {
    const paths = reportPaths(flags)
    const twice = paths.find((path, index) => paths.indexOf(path) !== index)
    if (twice !== undefined) {
      throw new Failure(2, `Two reports would be written to ${twice}. Give each a file of its own.`)
    }
    for (const [path, error] of await unwritable(flags)) {
      throw new Failure(2, `${path} can't be written: ${why(error)}.`)
    }
    const { compare: path } = flags
    return new Reports(flags, path === undefined ? undefined : await readResult(path))
  }

  /** Prints and writes everything that was asked for, as far as it can. False when it could not. */
  async tell(result: Result): Promise<boolean> {
    const { stdout } = process
    const comparison = this.#earlier && compare(stored(result), this.#earlier, this.#flags.compare!)
    const width = stdout.isTTY ? Math.max(widthMin, stdout.columns) : undefined
    print(`\n${resultText(result, { width, comparison })}\n`)
    const command = commandLine(process.argv.slice(2))
    const { failed, rescued } = await writeReports(result, this.#flags, { command, comparison })
    for (const [path, error] of failed) {
      printError(complaint(`${path} could not be written: ${why(error)}.`))
    }
    if (failed.size === 0) return true
    const place =
      rescued === undefined
        ? "Nor could the result be saved in the folder for temporary files. What is printed above is all there is."
        : `The whole result is in ${rescued}.`
    printError(complaint(place))
    return false
  }
}

/** A terminal that says it is narrower, or says 0, would get a word a line. */
const widthMin = 40

function why(error: Error): string {
  const { code = "", message } = error as NodeJS.ErrnoException
  return reasons[code] ?? message
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk's quota is used up",
  EFBIG: "it is larger than a file may be",
  ENOENT: "its folder does not exist",
  ENOTDIR: "its folder is a file",
  EISDIR: "it is a folder",
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "the disk can only be read",
  EIO: "the disk reports an error",
}
