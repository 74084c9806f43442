/**
 * A generation of `capstan dev`, the process's entry: serves one version of the module, on the
 * connections that the supervisor hands over. It listens on nothing.
 */
import type { Socket } from "node:net"
import { type Server, serve } from "../../service/server.ts"
import { resolveSettings } from "../../service/settings.ts"
import { endWithParent, watchImports } from "../child-process.ts"
import { loadFailure } from "../load-failure.ts"
import { createLogger } from "../logger.ts"
import { whereabouts } from "../whereabouts.ts"
import {
  type Boot,
  developmentSettings,
  type FromGeneration,
  type ToGeneration,
} from "./messages.ts"

endWithParent()

let server: Server | undefined

process.on("message", (message: ToGeneration, socket: Socket | undefined) => {
  switch (message.type) {
    case "start":
      void start(message.boot)
      break
    case "connection":
      // A client that has left meanwhile leaves no socket.
      if (socket !== undefined) server?.accept(message.port, socket)
      tell({ type: "taken", id: message.id })
      break
    case "drain":
      tell({ type: "draining" })
      void server?.drain().finally(() => process.exit(0))
      break
    default:
      message satisfies never
  }
})

async function start({ moduleUrl, flags }: Boot): Promise<void> {
  const module = new URL(moduleUrl)
  const imported = watchImports((path) => tell({ type: "imports", path }))
  try {
    const { env } = process
    const settings = resolveSettings({ options: developmentSettings, env, flags })
    const logger = await createLogger(settings)
    server = await serve(module, {
      settings: developmentSettings,
      env,
      flags,
      logger,
      listen: false,
    })
    // What is being developed is to work whole before it takes over.
    const { refused } = server
    if (refused.length > 0) throw new Error(refused.join("\n"))
    tell({ type: "ready", where: whereabouts(server.service, server.settings) })
  } catch (error) {
    const failure = loadFailure(error, module, imported())
    process.send?.({ type: "failed", failure } satisfies FromGeneration, () => process.exit(1))
  }
}

function tell(message: FromGeneration): void {
  // The channel may close at any moment; `disconnect` deals with it.
  process.send?.(message, () => {})
}
