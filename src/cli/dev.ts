/**
 * `capstan dev MODULE`: serves the newest version that works, on ports that never close.
 *
 * This process holds the ports and runs none of the person's code, so nothing that they write can
 * close them. A connection is accepted here, read by nobody, and handed to the process of the
 * version that serves (dev/supervisor.ts).
 */
import { createServer, type Server, type Socket } from "node:net"
import { dirname, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { styleText } from "node:util"
import { listeningUrl } from "../core/http/listening-url.ts"
import { type ResolvedSettings, resolveSettings } from "../service/settings.ts"
import { developmentSettings, type PortName } from "./dev/messages.ts"
import { type DevEvent, Supervisor } from "./dev/supervisor.ts"
import { complaint } from "./failure.ts"
import { listenFailure } from "./listen-failure.ts"
import { described } from "./load-failure.ts"
import { moduleUrl } from "./module-path.ts"
import { print, printError } from "./print.ts"
import { SourceWatch } from "./source-watch.ts"
import { stoppedBySignal } from "./stop.ts"
import { type Addresses, block, line } from "./whereabouts.ts"

/**
 * Serves until a signal ends it; resolves to the exit code.
 * @param flags the settings given as flags, by setting name.
 */
export async function dev(
  typed: string,
  flags: Readonly<Record<string, string | undefined>>,
): Promise<0> {
  const module = moduleUrl(typed)
  const settings = resolveSettings({ options: developmentSettings, env: process.env, flags })
  let supervisor: Supervisor | undefined
  const ports = await openPorts(settings, (port, socket) => supervisor?.accept({ port, socket }))
  const addresses = addressesOf(ports)
  say(`starting ${typed} at ${addresses.url}`)

  const watch = new SourceWatch(dirname(fileURLToPath(module)), {
    changed: (paths) => {
      say(`${paths.slice(0, 3).map(fromHere).join(", ")}${paths.length > 3 ? ", …" : ""} changed`)
      supervisor?.changed(paths.some((path) => path.startsWith(capstanFolder)))
    },
    tooMany: (foldersMax) =>
      say(`More than ${foldersMax} folders lie beside the module; changes in the rest go unseen.`),
  })
  const running = new Supervisor({
    boot: { moduleUrl: module.href, flags },
    startMsMax: settings.setupTimeoutMs,
    drainGraceMs: settings.drainGraceMs,
    imports: (path) => watch.add(path),
    said: (event) => tell(event, addresses),
  })
  supervisor = running

  await stoppedBySignal({
    drain: () => {
      watch.close()
      for (const port of Object.values(ports)) port.close()
      return running.close()
    },
    said: () => {},
  })
  return 0
}

/** `src/` or `dist/` of Capstan itself. */
const capstanFolder = fileURLToPath(new URL("..", import.meta.url))

type Ports = Readonly<Record<PortName, Server>>

async function openPorts(
  settings: ResolvedSettings,
  accept: (port: PortName, socket: Socket) => void,
): Promise<Ports> {
  const open = async (port: PortName, host: string, number: number): Promise<Server> => {
    const server = createServer({ pauseOnConnect: true }, (socket) => accept(port, socket))
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject)
      server.listen({ port: number, host }, resolve)
    })
    return server
  }
  let api: Server | undefined
  try {
    const { host, port, managementHost, managementPort } = settings
    api = await open("api", host, port)
    return { api, management: await open("management", managementHost, managementPort) }
  } catch (error) {
    api?.close()
    throw listenFailure(error, settings) ?? error
  }
}

function addressesOf(ports: Ports): Addresses {
  return { url: listeningUrl(ports.api), managementUrl: listeningUrl(ports.management) }
}

function tell(event: DevEvent, addresses: Addresses): void {
  switch (event.kind) {
    case "serving":
      if (!event.first) {
        say(`serving the new version, ready after ${Math.round(event.tookMs)} ms`)
      } else if (process.stdout.isTTY) {
        print(block(addresses, event.where, "Save a file, and it is served anew. Ctrl-C ends it."))
      } else {
        say(line(addresses, event.where))
      }
      break
    case "failed": {
      const consequence = event.stillServing
        ? "The last good version goes on serving."
        : `Save a file, and it is tried again. Until then ${addresses.url} answers 503.`
      const text = [...described(event.failure), consequence].join("\n")
      printError(complaint("This version can't be served.", text))
      break
    }
    case "crashed":
      printError(
        complaint(
          `The service's process ended (${event.how}).`,
          event.againInMs === 0
            ? "The next version is starting."
            : `It is started again in ${Math.round(event.againInMs)} ms.`,
        ),
      )
      break
    default:
      event satisfies never
  }
}

function say(text: string): void {
  const name = styleText(["cyan", "bold"], "capstan:", { stream: process.stdout })
  print(`${name} ${text}\n`)
}

function fromHere(path: string): string {
  return relative(process.cwd(), path) || path
}
