/**
 * `capstan up MODULE`: the service as replicas on this machine, scaled by Kubernetes' own decision.
 *
 * This process runs none of the person's code: it holds the ports, the balancer, the autoscaler and
 * the live page, and starts a process for each replica (up/child.ts). They end when it does, however
 * it ends.
 */
import { dirname, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { programUrl } from "../core/program.ts"
import { resolveLoad } from "../load/config.ts"
import { LoadError } from "../load/error.ts"
import { Session } from "../load/page/session.ts"
import { Balancer } from "../local/balancer/balancer.ts"
import { StartError } from "../local/fleet.ts"
import { Local } from "../local/local.ts"
import type { Serving } from "../local/messages.ts"
import { unreadBytesMaxOf } from "../service/bounds.ts"
import { availableCores } from "../service/cpu.ts"
import { type DescriptorPlan, descriptorsMax, planDescriptors } from "../service/descriptors.ts"
import { environmentVariable, type ResolvedSettings, resolveSettings } from "../service/settings.ts"
import { type ConfigFlags, configuredStages } from "./config-file.ts"
import { developmentSettings } from "./dev/messages.ts"
import { Failure } from "./failure.ts"
import { listenFailure } from "./listen-failure.ts"
import { moduleUrl } from "./module-path.ts"
import { openPage } from "./page-port.ts"
import { SourceWatch } from "./source-watch.ts"
import { stoppedBySignal } from "./stop.ts"
import type { Boot } from "./up/boot.ts"
import { createDisplay, type Display } from "./up/display.ts"
import { serveManagement } from "./up/management.ts"
import { resolveUp, type UpFlags, type UpOptions } from "./up/options.ts"
import type { UpReport } from "./up/report.ts"
import { Sparing } from "./up/sparing.ts"
import { UpTarget } from "./up/target.ts"
import { type UpEvent, wordsOf } from "./up/words.ts"

const entry = fileURLToPath(programUrl("./up/child", import.meta.url))

/** The service may take all of the time that it is given for its workers; loading comes on top. */
const loadMsMax = 30_000

/**
 * Serves until a signal ends it; resolves to the exit code.
 * @param flags those of the command itself. @param settings those of the service, by setting name.
 * @throws {Failure} when it can't be served.
 */
export async function up(
  typed: string,
  flags: UpFlags & ConfigFlags,
  settingFlags: Readonly<Record<string, string | undefined>>,
): Promise<0> {
  const module = moduleUrl(typed)
  const settings = resolveSettings({
    options: developmentSettings,
    env: process.env,
    flags: settingFlags,
  })
  const cores = availableCores()
  const stages = await configuredStages(flags, dirname(fileURLToPath(module)))
  const configured = stages.map((stage) => stage.deployment)
  const options = resolveUp(flags, cores, configured)
  checkStages(options)
  // A log that can't be written any more is no reason to stop serving.
  process.stdout.removeAllListeners("error")
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {})

  await using stack = new AsyncDisposableStack()
  const isLogLevelGiven =
    settingFlags.logLevel !== undefined ||
    process.env[environmentVariable("logLevel")] !== undefined
  const display = createDisplay(isLogLevelGiven)
  stack.defer(() => display.end())
  let local: Local | undefined
  let session: Session | undefined
  const stopped = stoppedBySignal({
    drain: () => local && close(local, session),
    said: (event) => display.say([event]),
  })

  const descriptors = planDescriptors(descriptorsMax(), {
    // A rollout starts as many again.
    started: 2 * options.scaling.maxReplicas,
    connectionsMax: settings.connectionsMax,
    others: 1,
  })
  if (descriptors.shortage !== undefined) display.say([descriptors.shortage])
  const { balancer, told } = await listen(settings, descriptors, display, (path) => {
    watch.add(path)
  })
  stack.defer(() => balancer.close(0))
  let serving: Serving | undefined
  let report: (() => UpReport) | undefined
  const management = stack.use(
    await serveManagement(settings, () => report?.(), descriptors.managementConnectionsMax).catch(
      (error: unknown) => {
        throw listenFailure(error, settings) ?? error
      },
    ),
  )
  const boot: Boot = { moduleUrl: module.href, flags: settingFlags, workers: options.workers }
  const running = new Local({
    program: { entry, boot },
    scaling: options.scaling,
    balancer,
    // A start takes a core whole; the other half of them is for those that serve.
    startingMax: Math.max(1, Math.floor(cores / 2)),
    startMsMax: settings.setupTimeoutMs + loadMsMax,
    told: (event) => {
      if (event.kind === "ready") serving = event.serving
      if (event.kind === "line") target.line(event.replica, event.text)
      told(event)
    },
  })
  stack.defer(() => running.close())
  const target = new UpTarget(() => running.state())
  session = new Session({
    config: { target: balancer.url, ...(options.stages && { stages: options.stages }) },
    source: target,
    front: "target",
    tool: "up",
    ended: () => {},
  })
  const watched = session
  stack.defer(() => watched.close())
  const page = stack.use(await openPage(session, options.webPort))
  const watch = new SourceWatch(dirname(fileURLToPath(module)), {
    changed: (paths) => {
      display.say([`${paths.slice(0, 3).map(fromHere).join(", ")} changed`])
      running.reload()
    },
    tooMany: (foldersMax) =>
      display.say([
        `more than ${foldersMax} folders lie beside the module; changes in the rest go unseen`,
      ]),
  })
  stack.defer(() => watch.close())

  const reportNow = (): UpReport => ({
    ...running.state(),
    title: serving?.title ?? typed,
    docsUrl: serving?.docs ? `${balancer.url}/docs` : null,
    pageUrl: page.url,
    managementUrl: management.url,
    pid: process.pid,
  })
  report = reportNow
  display.say([`starting ${typed} at ${balancer.url}; the live page is at ${page.url}`])
  display.show(reportNow)
  local = running
  try {
    await running.start()
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    const { exitCode, lines } = error.failure
    throw new Failure(exitCode, `${typed} can't be served.`, lines.join("\n"))
  }
  if (serving !== undefined) display.serves(reportNow())
  await stopped
  return 0
}

function checkStages({ stages }: UpOptions): void {
  if (stages === undefined) return
  try {
    resolveLoad({ target: "http://127.0.0.1", stages })
  } catch (error) {
    throw error instanceof LoadError ? new Failure(2, error.message) : error
  }
}

async function close(local: Local, session: Session | undefined): Promise<void> {
  // First what sends requests from here, then what answers them.
  await session?.close()
  await local.close()
}

interface Listening {
  readonly balancer: Balancer
  readonly told: (event: UpEvent) => void
}

async function listen(
  settings: ResolvedSettings,
  { connectionsMax, othersMax }: DescriptorPlan,
  display: Display,
  imports: (path: string) => void,
): Promise<Listening> {
  const say = (lines: readonly string[]): void => display.say(lines)
  // Of these there may be hundreds at once.
  const sparing: Partial<Record<UpEvent["kind"], Sparing>> = {
    lost: new Sparing(say),
    refused: new Sparing(say),
  }
  const told = (event: UpEvent): void => {
    if (event.kind === "imports") imports(event.path)
    if (event.kind === "line") display.log(event.replica, event.text)
    const words = wordsOf(event)
    if (words !== undefined) (sparing[event.kind] ?? display).say(words)
  }
  const { host, port, headersTimeoutMs, keepAliveTimeoutMs, corsOrigins } = settings
  try {
    const balancer = await Balancer.listen({
      host,
      port,
      headersTimeoutMs,
      keepAliveTimeoutMs,
      connectionsMax,
      upstreamConnectionsMax: othersMax,
      unreadBytesMax: unreadBytesMaxOf(settings),
      corsOrigins,
      logged: told,
    })
    return { balancer, told }
  } catch (error) {
    throw listenFailure(error, settings) ?? error
  }
}

function fromHere(path: string): string {
  return relative(process.cwd(), path) || path
}
