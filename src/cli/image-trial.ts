/**
 * The bundle is started once before an image is called done: what is missing in it shows here, and not
 * on a cluster. It runs as it does in the image, by plain Node in a folder that has nothing above it,
 * with a worker and its `setup`, and answers each operation's example.
 *
 * It is a copy that is started: what a service writes beside itself has no business in an image.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { constants, cpSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { followLines } from "../core/line-splitter.ts"
import { endGroup } from "../core/process-group.ts"
import { ask } from "../local/ask.ts"
import type { Service } from "../service/service.ts"
import { type ExampleRequest, firstRequest } from "./example-request.ts"
import { Failure } from "./failure.ts"
import { reasonIn } from "./image-reason.ts"
import { temporaryFolder } from "./temporary-folder.ts"

/** How long the bundle may take until it is ready: models are loaded in `setup`. */
const readyMsMax = 120_000
/** How long it may take to answer an example. */
const answerMsMax = 120_000
/** How long it may take to end in good order. */
const endMsMax = 5_000
/** How long the log may be behind what it tells of. */
const logMsMax = 20_000
const lookMs = 50
/**
 * What says that the request is wrong, wherever it is sent. With others it is what is there that does
 * not suit: nobody is logged in (401), there is no such thing here (404).
 */
const refusals = new Set([400, 405, 406, 411, 413, 414, 415, 417, 422, 431])
/** The end of what it says is where the reason stands. */
const linesMax = 200

export interface Trial {
  readonly service: Service
  /** Variables that it has where it is deployed. */
  readonly env: Readonly<Record<string, string>>
  /** What it has where it is deployed and can't have here, in sentences. */
  readonly lacks: readonly string[]
  readonly signal: AbortSignal
}

/**
 * Starts the bundle in the folder `app`. Resolves to what it has done, in words.
 * @throws {Failure} when it does not start, or fails at an example.
 */
export async function tryBundle(app: string, trial: Trial): Promise<string> {
  const { service } = trial
  using folder = temporaryFolder()
  const copy = join(folder.path, "app")
  cpSync(app, copy, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE })
  await using started = new Started(copy, trial)
  const url = await started.ready()
  const answers: string[] = []
  const silent: string[] = []
  for (const [id, operation] of service.operations) {
    const name = `${operation.method} ${operation.path}`
    const first = await firstRequest(id, operation)
    if (first === undefined) silent.push(name)
    else answers.push(`${name} ${await started.answer(name, first, url)}`)
  }
  const tried = answers.length === 0 ? "no operation has an example to try" : answers.join(", ")
  const rest = `; without an example to try: ${silent.join(", ")}`
  const isSaid = answers.length > 0 && silent.length > 0
  return `the bundle was started once: it is ready; ${tried}${isSaid ? rest : ""}`
}

interface Line {
  readonly url?: string
  readonly managementUrl?: string
  readonly msg?: string
  readonly requestId?: string
  readonly err?: { readonly message?: string; readonly stack?: string }
}

class Started implements AsyncDisposable {
  readonly #folder: string
  readonly #lacks: readonly string[]
  readonly #child: ChildProcess
  readonly #signal: AbortSignal
  readonly #lines: string[] = []
  #url: string | undefined
  #managementUrl: string | undefined
  #bootFailure: string | undefined

  constructor(folder: string, { env, lacks, signal }: Trial) {
    signal.throwIfAborted()
    this.#folder = folder
    this.#lacks = lacks
    this.#signal = signal
    this.#child = spawn(process.execPath, ["server.js"], {
      cwd: folder,
      // A group of its own: what it has started goes with it.
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...withoutOurs(process.env), NODE_ENV: "production", ...env, ...trialSettings },
    })
    this.#child.on("error", ({ message }) => this.#lines.push(message))
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      followLines(stream, (line) => this.#hear(line))
    }
    // At once, since whoever interrupts may be about to end this process.
    signal.addEventListener("abort", this.#kill)
  }

  /** Resolves to its URL, once it has a worker whose `setup` has run. */
  async ready(): Promise<string> {
    const untilMs = performance.now() + readyMsMax
    for (;;) {
      this.#signal.throwIfAborted()
      if (this.#bootFailure !== undefined) throw this.#failed("does not start", this.#bootFailure)
      if (hasEnded(this.#child)) throw this.#failed("does not start", this.#said())
      if (this.#url !== undefined && (await this.#isReady())) return this.#url
      if (performance.now() > untilMs) {
        throw this.#failed(`is not ready after ${readyMsMax / 1_000} s`, this.#said())
      }
      await pause(lookMs)
    }
  }

  /** Resolves to the status of its answer. */
  async answer(name: string, { example, path, request }: ExampleRequest, url: string) {
    const bound = AbortSignal.any([this.#signal, AbortSignal.timeout(answerMsMax)])
    const of = `the example "${example}" of ${name}`
    try {
      const init = { ...request, redirect: "manual", signal: bound } as const
      const answer = await fetch(new URL(path, url), init)
      const body = Buffer.from(await answer.arrayBuffer())
      const { status } = answer
      if (status < 500 && !refusals.has(status)) return status
      if (status < 500) throw this.#failed(`answers ${status} to ${of}`, refusalIn(body), alike)
      const id = answer.headers.get("x-request-id") ?? ""
      // Its line may be on its way: the log is written behind the answers.
      await this.#until(() => this.#reasonOf(id) !== undefined)
      throw this.#failed(`answers ${status} to ${of}`, this.#reasonOf(id) ?? this.#said(), alike)
    } catch (error) {
      this.#signal.throwIfAborted()
      if (error instanceof Failure) throw error
      await this.#until(() => hasEnded(this.#child))
      throw this.#failed(`does not answer ${of}`, this.#said() || String(error))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal.removeEventListener("abort", this.#kill)
    if (!hasEnded(this.#child)) {
      const ended = once(this.#child, "exit")
      this.#child.kill(this.#signal.aborted ? "SIGKILL" : "SIGTERM")
      const patience = setTimeout(this.#kill, endMsMax)
      await ended
      clearTimeout(patience)
    }
    // What is left of its group; what has left that may hold its streams, which are nobody's now.
    this.#kill()
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
  }

  readonly #kill = (): void => endGroup(this.#child)

  #hear(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > linesMax) this.#lines.shift()
    const { url, managementUrl, msg = "", err } = lineOf(line)
    if (managementUrl !== undefined) {
      this.#url = url
      this.#managementUrl = managementUrl
    }
    if (msg.startsWith("A worker could not start")) {
      this.#bootFailure ??= err?.stack ?? err?.message ?? line
    }
  }

  async #isReady(): Promise<boolean> {
    const answer = await ask(new URL("/readyz", this.#managementUrl), answerMsMax)
    return answer?.status === 200
  }

  async #until(isSo: () => boolean): Promise<void> {
    const untilMs = performance.now() + logMsMax
    while (!isSo() && performance.now() < untilMs && !this.#signal.aborted) await pause(lookMs)
  }

  #reasonOf(requestId: string): string | undefined {
    const errors = this.#lines.map(lineOf).filter((line) => line.requestId === requestId)
    return errors.find(({ err }) => err !== undefined)?.err?.stack
  }

  #said(): string {
    return this.#lines
      .map((line) => {
        const { msg, err } = lineOf(line)
        return msg === undefined ? line : [msg, err?.stack].filter(Boolean).join("\n")
      })
      .join("\n")
  }

  #failed(how: string, said: string, too = "would not in the image either"): Failure {
    const shown = said.replaceAll(`file://${this.#folder}`, "app").replaceAll(this.#folder, "app")
    const isComplete = this.#lacks.length === 0
    return new Failure(
      1,
      `The bundle ${how}${isComplete ? `, and ${too}` : " here"}.`,
      [shown.trim(), "", ...reasonIn(shown, this.#lacks)].join("\n"),
    )
  }
}

const alike = "would in the image, too"

/** What a problem document says, in lines. */
function refusalIn(body: Buffer): string {
  const { detail, errors = [] } = lineOf(body.toString()) as {
    readonly detail?: string
    readonly errors?: readonly { readonly path: readonly unknown[]; readonly message: string }[]
  }
  const lines = errors.map(({ path, message }) => `${path.join(".")}: ${message}`)
  return [detail ?? "", ...lines, "Correct the example, or what refuses it."].join("\n")
}

/** On free ports that only this machine reaches, and with logs that can be read here. */
const trialSettings = {
  CAPSTAN_HOST: "127.0.0.1",
  CAPSTAN_PORT: "0",
  CAPSTAN_MANAGEMENT_PORT: "0",
  CAPSTAN_WORKERS: "1",
  CAPSTAN_LOG_FORMAT: "json",
  CAPSTAN_LOG_LEVEL: "info",
}

/** Settings of whoever builds are not those of the image, and neither are Node's conditions. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^(?:CAPSTAN_.*|NODE_OPTIONS|NODE_PATH|npm_.*)$/.test(name),
    ),
  )
}

function lineOf(text: string): Line {
  try {
    const line: unknown = JSON.parse(text)
    return typeof line === "object" && line !== null ? line : {}
  } catch {
    return {}
  }
}

function hasEnded({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null || pid === undefined
}
