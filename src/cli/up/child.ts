/**
 * A replica of `capstan up`, the process's entry: the production server on ports of its own, which
 * only this machine can reach.
 */
import type { FromReplica, Serving, ToReplica } from "../../local/messages.ts"
import { descriptorsMax, planDescriptors } from "../../service/descriptors.ts"
import { type Server, serve } from "../../service/server.ts"
import {
  environmentVariable,
  resolveSettings,
  type SettingSources,
  settingsTable,
} from "../../service/settings.ts"
import { endWithParent, watchImports } from "../child-process.ts"
import { described, loadFailure } from "../load-failure.ts"
import { createLogger } from "../logger.ts"
import { type Boot, inReplica } from "./boot.ts"

endWithParent()

let server: Server | undefined

process.on("message", (message: ToReplica) => {
  switch (message.type) {
    case "start":
      void start(message.boot as Boot)
      break
    case "drain":
      void server?.drain().finally(() => process.exit(0))
      break
    default:
      message satisfies never
  }
})

/** Its only client is the balancer, which has the bound: as many as it may open are taken. */
const { connectionsMax } = planDescriptors(descriptorsMax(), {
  started: settingsTable.workers.max,
  connectionsMax: settingsTable.connectionsMax.max,
  others: 0,
})

async function start({ moduleUrl, flags, workers }: Boot): Promise<void> {
  const module = new URL(moduleUrl)
  const imported = watchImports((path) => tell({ type: "imports", path }))
  const given = {
    // Its only client is the balancer, which knows of new replicas without being sent away.
    options: { workers, connectionAgeMs: 0, connectionRequestsMax: 0 },
    env: process.env,
    // As many connections as the balancer may open.
    flags: { ...flags, connectionsMax: `${connectionsMax}` },
  }
  try {
    const sources = inReplica(given)
    const logger = await createLogger(resolveSettings(sources))
    server = await serve(module, { ...sources, settings: given.options, logger })
    tell({ type: "serving", serving: servingOf(server, sources) })
  } catch (error) {
    const failure = loadFailure(error, module, imported())
    const { exitCode } = failure
    const message: FromReplica = {
      type: "failed",
      failure: { lines: described(failure), exitCode },
    }
    process.send?.(message, () => process.exit(1))
  }
}

function servingOf(
  { url, managementUrl, service, settings }: Server,
  { env = {}, flags = {} }: SettingSources,
): Serving {
  const isGraceGiven =
    flags.drainGraceMs !== undefined || env[environmentVariable("drainGraceMs")] !== undefined
  const deadlines = Array.from(
    service.operations.values(),
    ({ deadlineMs }) => deadlineMs ?? settings.deadlineMs,
  )
  return {
    url,
    managementUrl,
    title: `${service.title} ${service.version}`,
    docs: settings.docs === "on",
    // As the manifests have it: the longest that an admitted request may take, and a little.
    drainGraceMs: isGraceGiven ? settings.drainGraceMs : Math.max(...deadlines) + 1_000,
  }
}

function tell(message: FromReplica): void {
  // The channel may close at any moment; `disconnect` deals with it.
  process.send?.(message, () => {})
}
