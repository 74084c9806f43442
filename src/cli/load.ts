/** `capstan load TARGET`: load from the command line, with the live page or without. */
import { type LoadConfig, resolveLoad } from "../load/config.ts"
import { LoadError } from "../load/error.ts"
import { Session } from "../load/page/session.ts"
import type { Result } from "../load/result.ts"
import { Run } from "../load/run.ts"
import { fetchScenario } from "../load/scenario/openapi-fetch.ts"
import { shownUrl } from "../load/shown-url.ts"
import { findTarget } from "../load/target/management.ts"
import type { TargetSource } from "../load/target.ts"
import { Failure } from "./failure.ts"
import { aimed } from "./load-aim.ts"
import { givenLoad, type LoadFlags, webPort } from "./load-flags.ts"
import { Progress } from "./load-progress.ts"
import { Reports } from "./load-reports.ts"
import { givenSource } from "./load-source.ts"
import { keepNurserySize } from "./nursery.ts"
import { openPage } from "./page-port.ts"
import { print, printError } from "./print.ts"
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
    const config = { ...given, ...(await aimed(typed, flags)) }
    // A mistake in the flags is told now, not when somebody presses the button.
    resolveLoad(config)
    const source = await givenSource(flags)
    const reports = await Reports.open(flags)
    keepNurserySize()
    return flags.headless
      ? await headless(config, source, reports)
      : await withPage(config, source, flags, reports, port)
  } catch (error) {
    if (error instanceof LoadError) throw new Failure(2, error.message)
    throw error
  }
}

async function headless(
  config: LoadConfig,
  sourceGiven: TargetSource | undefined,
  reports: Reports,
): Promise<ExitCode> {
  let run: Run | undefined
  void stoppedBySignal({
    drain: () => run?.stop().then(() => {}),
    said: (event) => event === "draining" && progress.say(waiting),
  })
  const plan = resolveLoad(config)
  const { scenario: given } = config
  const made =
    given === undefined
      ? await fetchScenario(plan.target, plan.headers, plan.insecure)
      : { scenario: given, notes: given.notes }
  const progress = new Progress(plan.offer.kind === "rate", plan.offer.runTimeMs)
  print(`${made.scenario.name} at ${shownUrl(plan.target)}: ${plan.offerText}\n`)
  const source = sourceGiven ?? (await findTarget(plan.target))
  run = new Run(plan, { ...made, source, onSecond: (snapshot) => progress.show(snapshot) })
  const result = await run.done
  progress.end()
  return exitCode(result, await reports.tell(result))
}

async function withPage(
  config: LoadConfig,
  source: TargetSource | undefined,
  flags: LoadFlags,
  reports: Reports,
  port: number,
): Promise<ExitCode> {
  let told: Promise<ExitCode> = Promise.resolve(0)
  const session = new Session({
    config,
    source,
    ended(result) {
      told = reports.tell(result).then((isWhole) => exitCode(result, isWhole))
    },
  })
  const stopped = stoppedBySignal({
    drain: () => session.close(),
    said: (event) => event === "draining" && printError(waiting),
  })
  await using stack = new AsyncDisposableStack()
  stack.defer(() => session.close())
  const page = stack.use(await openPage(session, port, flags.webHost))
  print(`The live page is at ${page.url}. Ctrl-C ends it.\n`)
  await stopped
  return await told
}

const waiting =
  "\nEnding the run; what is under way may still be answered. Ctrl-C ends it at once.\n"

/** @param isWhole whether everything that was asked for has been written. */
function exitCode(result: Result, isWhole: boolean): ExitCode {
  const { thresholds, generator, total, failures, exceptions } = result
  if (thresholds.some(({ kept }) => !kept)) return 99
  if (generator.limit !== null) return 98
  if (total.requests === 0 || exceptions.length > 0) return 1
  const isAllowed = thresholds.some(({ threshold }) => threshold.trim().startsWith("errors"))
  return !isWhole || (failures.length > 0 && !isAllowed) ? 1 : 0
}
