/**
 * A generation of `capstan dev`, the process's entry: serves one version of the module, on the
 * connections that the supervisor hands over. It listens on nothing.
 *
 * It leaves signals to the supervisor, because Ctrl-C in a terminal reaches them both, and ends when
 * the supervisor is gone, however that came about.
 */
import { registerHooks } from "node:module"
import type { Socket } from "node:net"
import { fileURLToPath } from "node:url"
import { Worker } from "node:worker_threads"
import { type Server, serve } from "../../service/server.ts"
import { resolveSettings } from "../../service/settings.ts"
import { loadFailure } from "../load-failure.ts"
import { createLogger } from "../logger.ts"
import { whereabouts } from "../whereabouts.ts"
import {
  type Boot,
  developmentSettings,
  type FromGeneration,
  type ToGeneration,
} from "./messages.ts"

process.on("disconnect", () => process.exit(1))
endWithoutParent()
process.on("SIGINT", () => {})
process.on("SIGTERM", () => {})

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
  const imported = watchImports()
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
    // The module is fine and its workers can't start, for instance because `setup` throws.
    if (server.unready !== undefined) throw new Error(server.unready)
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

/** For when the person's code keeps the main thread from hearing that the supervisor is gone. */
function endWithoutParent(): void {
  const watch = `
    const { ppid } = process
    setInterval(() => process.ppid === ppid || process.kill(process.pid, "SIGKILL"), 500)`
  new Worker(watch, { eval: true }).unref()
}

/** Reports each file that the module imports, but for packages. Returns the last ones. */
function watchImports(): () => string[] {
  const seen = new Set<string>()
  const report = (url: string): void => {
    if (!url.startsWith("file:") || url.includes("/node_modules/")) return
    const path = fileURLToPath(url)
    if (seen.has(path)) return
    seen.add(path)
    tell({ type: "imports", path })
  }
  registerHooks({
    resolve(specifier, context, next) {
      try {
        const resolved = next(specifier, context)
        report(resolved.url)
        return resolved
      } catch (error) {
        // Not there yet. It will be, once the person has read the message.
        if (/^\.{0,2}\//.test(specifier)) report(new URL(specifier, context.parentURL).href)
        throw error
      }
    },
  })
  return () => Array.from(seen).slice(-3)
}
