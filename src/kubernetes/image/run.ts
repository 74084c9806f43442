/** Runs a program to its end, and keeps what it said. */
import { spawn } from "node:child_process"

/** A program that ended with an error, or is not there. `output` is all that it said. */
export class ProgramError extends Error {
  override readonly name = "ProgramError"
  readonly output: string

  constructor(command: string, output: string) {
    super(`${command} failed.`)
    this.output = output
  }
}

/** What those who run programs are given by whoever asks them to. */
export interface Workplace {
  /** For files on the way. Whoever made it takes it away. */
  readonly folder: string
  /** Ends what runs: see `run`. */
  readonly signal: AbortSignal
}

export interface RunOptions {
  /** Ends the program; then `run` rejects with its reason, once the program has gone. */
  readonly signal: AbortSignal
  readonly cwd?: string
  /** Beside what this process has; what is undefined is taken away. */
  readonly env?: Readonly<Record<string, string | undefined>>
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
  options: RunOptions,
): Promise<string> {
  const { code, stdout, output } = await run(command, args, options)
  if (code !== 0) {
    const words = args.slice(0, 2).filter((arg) => /^[a-z]+$/.test(arg))
    throw new ProgramError([command, ...words].join(" "), output.trim())
  }
  return stdout
}

/** The end of what a program said is where the reason stands. */
const outputCharsMax = 100_000
/** How long a program may take to end in good order when it is told to. */
const endMsMax = 5_000

export async function run(
  command: string,
  args: readonly string[],
  { signal, cwd, env = {} }: RunOptions,
): Promise<Ran> {
  signal.throwIfAborted()
  const { promise, resolve } = Promise.withResolvers<Ran>()
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
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
  // Programs of its own may outlive it and hold its streams: they are nothing to wait for then.
  child.on("exit", (code) => {
    if (signal.aborted) resolve({ code, stdout, output })
  })
  let patience: NodeJS.Timeout | undefined
  const end = (): void => {
    child.kill("SIGTERM")
    patience = setTimeout(() => child.kill("SIGKILL"), endMsMax)
  }
  signal.addEventListener("abort", end)
  try {
    const ran = await promise
    signal.throwIfAborted()
    return ran
  } finally {
    signal.removeEventListener("abort", end)
    clearTimeout(patience)
  }
}
