/** Runs a program to its end, and keeps what it said. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A program that ended with an error, or is not there. `output` is all that it said. */
export class ProgramError extends Error {
  override readonly name = "ProgramError"
  readonly output: string

  constructor(command: string, output: string) {
    super(`${command} failed.`)
    this.output = output
  }
}

export interface Ran {
  /** Null when it is not installed, or a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  /** Both streams, in the order in which they came. */
  readonly output: string
}

/**
 * What it printed on standard output.
 * @throws {ProgramError} when it ends with an error.
 */
export async function must(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { code, stdout, output } = await run(command, args, env)
  if (code !== 0) {
    const words = args.slice(0, 2).filter((arg) => /^[a-z]+$/.test(arg))
    throw new ProgramError([command, ...words].join(" "), output)
  }
  return stdout
}

/** The end of what a program said is where the reason stands. */
const outputCharsMax = 100_000

export async function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const { promise, resolve } = Promise.withResolvers<Ran>()
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  })
  let stdout = ""
  let output = ""
  child.stdout.on("data", (chunk) => {
    stdout = `${stdout}${chunk}`.slice(-outputCharsMax)
    output = `${output}${chunk}`.slice(-outputCharsMax)
  })
  child.stderr.on("data", (chunk) => {
    output = `${output}${chunk}`.slice(-outputCharsMax)
  })
  // Not installed.
  child.on("error", ({ message }) => resolve({ code: null, stdout, output: message }))
  child.on("close", (code) => resolve({ code, stdout, output }))
  return await promise
}

/** Gives a path in a folder that is gone afterwards. */
export async function withFile<T>(use: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "capstan-image-"))
  try {
    return await use(join(folder, "file"))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
