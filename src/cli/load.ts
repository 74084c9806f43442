/** `capstan load TARGET`: load from the command line, with the live page or without. */
import { open } from "node:fs/promises"
import { type LoadConfig, resolveLoad, resolveTarget } from "../load/config.ts"
import { LoadError } from "../load/error.ts"
import { fetchScenario } from "../load/openapi-fetch.ts"
import { servePage } from "../load/page/server.ts"
import { Session } from "../load/page/session.ts"
import { type ReportFiles, reportPaths, writeReports } from "../load/report/files.ts"
import { resultText } from "../load/report/table.ts"
import type { Result } from "../load/result.ts"
import { Run } from "../load/run.ts"
import { isScenario, type Scenario } from "../load/scenario.ts"
import { capstanTarget, findTarget, type TargetSource } from "../load/target.ts"
import { complaint, Failure } from "./failure.ts"
import { described, loadFailure } from "./load-failure.ts"
import { givenLoad, type LoadFlags, webPort } from "./load-flags.ts"
import { Progress } from "./load-progress.ts"
import { moduleUrl } from "./module-path.ts"
import { stoppedBySignal } from "./stop.ts"

/** Described in `capstan load --help`. */
type ExitCode = 0 | 1 | 98 | 99

/**
 * Runs until the run is over, or with the page until a signal; resolves to the exit code.
 * @throws {Failure} when it can't be run as asked.
 */
export async function load(typed: string, flags: LoadFlags): Promise<ExitCode> {
  const given = givenLoad(flags)
  const port = webPort(flags)
  try {
    const { target, scenario } = await aimed(typed, flags.host)
    const config = { ...given, target, ...(scenario === undefined ? {} : { scenario }) }
    // A mistake in the flags is told now, not when somebody presses the button.
    resolveLoad(config)
    await checkWritable(flags)
    return flags.headless ? await headless(config, flags) : await withPage(config, flags, port)
  } catch (error) {
    if (error instanceof LoadError) throw new Failure(2, error.message)
    throw error
  }
}

async function headless(config: LoadConfig, flags: LoadFlags): Promise<ExitCode> {
  let run: Run | undefined
  void stoppedBySignal({
    drain: () => run?.stop().then(() => {}),
    said: (event) => event === "draining" && process.stderr.write(waiting),
  })
  const plan = resolveLoad(config)
  const made =
    config.scenario === undefined
      ? await fetchScenario(plan.target, plan.headers)
      : { scenario: config.scenario, notes: [] }
  const progress = new Progress(plan.offer.kind === "rate", plan.offer.runTimeMs)
  process.stdout.write(`${made.scenario.name} at ${plan.target.href}: ${plan.offerText}\n`)
  const source = givenSource(flags) ?? (await findTarget(plan.target))
  run = new Run(plan, { ...made, source, onSecond: (snapshot) => progress.show(snapshot) })
  const result = await run.done
  progress.end()
  await tell(result, flags)
  return exitCode(result)
}

async function withPage(config: LoadConfig, flags: LoadFlags, port: number): Promise<ExitCode> {
  let code: ExitCode = 0
  let told = Promise.resolve()
  const session = new Session({
    config,
    source: givenSource(flags),
    ended(result) {
      code = exitCode(result)
      told = tell(result, flags)
    },
  })
  const stopped = stoppedBySignal({
    drain: () => session.stop(),
    said: (event) => event === "draining" && process.stderr.write(waiting),
  })
  await using page = await servePage(session, port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE" && error.code !== "EACCES") throw error
    const why = error.code === "EACCES" ? "may not be listened on by this user" : "is in use"
    throw new Failure(1, `Port ${port} ${why}.`, "Take another with --web-port; 0 is a free one.")
  })
  process.stdout.write(`The live page is at ${page.url}. Ctrl-C ends it.\n`)
  await stopped
  await told
  return code
}

const waiting =
  "\nEnding the run; what is under way may still be answered. Ctrl-C ends it at once.\n"

function givenSource({ management }: LoadFlags): TargetSource | undefined {
  return management === undefined ? undefined : capstanTarget(resolveTarget(management).href)
}

/** What a URL or a scenario's module means. */
async function aimed(
  typed: string,
  host: string | undefined,
): Promise<{ readonly target: URL; readonly scenario?: Scenario }> {
  if (/^https?:\/\//.test(typed)) {
    if (host === undefined) return { target: resolveTarget(typed) }
    throw new Failure(2, "--host goes with a scenario; here the URL is the target already.")
  }
  const module = moduleUrl(typed)
  if (host === undefined) {
    throw new Failure(2, "Where shall the scenario go? Say it with --host http://…")
  }
  const target = resolveTarget(host)
  let exported: unknown
  try {
    exported = (await import(module.href)).default
  } catch (error) {
    const failed = loadFailure(error, module)
    throw new Failure(failed.exitCode, `${typed} can't be run.`, described(failed).join("\n"))
  }
  if (isScenario(exported)) return { target, scenario: exported }
  throw new Failure(
    2,
    `${typed} does not export a scenario.`,
    "End it with:  export default scenario({ tasks: { … } })",
  )
}

/** Hours of load must not end with a folder that is not there. */
async function checkWritable(flags: ReportFiles): Promise<void> {
  for (const path of reportPaths(flags)) {
    try {
      await (await open(path, "a")).close()
    } catch (error) {
      throw new Failure(2, `${path} can't be written (${(error as NodeJS.ErrnoException).code}).`)
    }
  }
}

async function tell(result: Result, flags: ReportFiles): Promise<void> {
  process.stdout.write(`\n${resultText(result)}\n`)
  const failed = await writeReports(result, flags)
  for (const [path, { message }] of failed) {
    process.stderr.write(complaint(`${path} could not be written.`, message))
  }
}

function exitCode({ thresholds, generator, total, failures }: Result): ExitCode {
  if (thresholds.some(({ kept }) => !kept)) return 99
  if (generator.limit !== null) return 98
  const isAllowed = thresholds.some(({ threshold }) => threshold.trim().startsWith("errors"))
  return total.requests === 0 || (failures.length > 0 && !isAllowed) ? 1 : 0
}
