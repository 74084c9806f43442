/**
 * Runs the `gcloud` that the user has, with the login that it has. Nothing is ever typed into it: it
 * runs without standard input and with prompts off, since Capstan has asked before.
 */
import { spawn } from "node:child_process"
import { type Args, commandLine } from "./step.ts"

/** Questions are answered in seconds; what takes longer hangs. */
const askMs = 120_000
/** gcloud itself gives up on a cluster after an hour. */
const stepMs = 75 * 60_000

/** It ran and ended with an error, could not be run, or was stopped. */
export class GcloudError extends Error {
  override readonly name = "GcloudError"
  readonly args: Args
  /** What it said. */
  readonly said: string
  readonly why: "failed" | "not installed" | "interrupted" | "timeout"

  constructor(args: Args, why: GcloudError["why"], said: string) {
    super(`${commandLine(args.slice(0, 4))} … ${why}`)
    this.args = args
    this.why = why
    this.said = said
  }
}

export interface GcloudOptions {
  /** Told each command before it runs. */
  readonly before: (args: Args, env: Readonly<Record<string, string>>) => void
  /** Given what gcloud says while it works on a step. */
  readonly said: (text: string) => void
  /** Stops what runs. */
  readonly signal: AbortSignal
  /** Its PATH says which gcloud. */
  readonly env: Readonly<Record<string, string | undefined>>
}

export class Gcloud {
  readonly #options: GcloudOptions

  constructor(options: GcloudOptions) {
    this.#options = options
  }

  /**
   * Asks, quietly; resolves to what it printed.
   * @throws {GcloudError}
   */
  async ask(args: Args): Promise<string> {
    this.#options.before(args, {})
    return await this.#run("gcloud", args, { ms: askMs })
  }

  /** As `ask`, of a list in JSON. */
  async list<T>(args: Args): Promise<readonly T[]> {
    const said = await this.ask([...args, "--format=json"])
    try {
      const parsed: unknown = JSON.parse(said)
      if (Array.isArray(parsed)) return parsed
    } catch {
      // Told below, with what it was.
    }
    throw new GcloudError(args, "failed", `it answered with no list: ${said.slice(0, 200)}`)
  }

  /** Does something; what it says meanwhile is passed on. */
  async step(args: Args, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const { before, said } = this.#options
    before(args, env)
    await this.#run("gcloud", args, { ms: stepMs, env, said })
  }

  /** Whether kubeconfigs that gcloud writes can log in. */
  async hasAuthPlugin(): Promise<boolean> {
    try {
      await this.#run("gke-gcloud-auth-plugin", ["--version"], { ms: askMs })
      return true
    } catch (error) {
      if (error instanceof GcloudError && error.why !== "interrupted") return false
      throw error
    }
  }

  async #run(command: string, args: Args, { ms, env = {}, said }: Running): Promise<string> {
    const { signal } = this.#options
    if (signal.aborted) throw new GcloudError(args, "interrupted", "")
    const timeout = AbortSignal.timeout(ms)
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...this.#options.env, CLOUDSDK_CORE_DISABLE_PROMPTS: "1", ...env },
      signal: AbortSignal.any([signal, timeout]),
      // As Ctrl-C: gcloud ends, and what it has begun at Google's goes on.
      killSignal: "SIGINT",
    })
    const { promise, resolve, reject } = Promise.withResolvers<number | null>()
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk
    })
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr = `${stderr}${chunk}`.slice(-saidCharsMax)
      said?.(chunk)
    })
    // Not there, or stopped; the second ends with `close` too, and is told there.
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (error.name !== "AbortError") reject(new GcloudError(args, "not installed", error.message))
    })
    child.on("close", resolve)
    const code = await promise
    if (signal.aborted) throw new GcloudError(args, "interrupted", stderr)
    if (timeout.aborted) throw new GcloudError(args, "timeout", stderr)
    if (code !== 0) throw new GcloudError(args, "failed", stderr)
    return stdout
  }
}

interface Running {
  readonly ms: number
  readonly env?: Readonly<Record<string, string>>
  readonly said?: (text: string) => void
}

/** The end is where the reason stands. */
const saidCharsMax = 100_000
