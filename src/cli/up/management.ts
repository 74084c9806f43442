/**
 * The management port of `capstan up`: what a replica's has, summed over all of them, and `/status`
 * for `capstan status`. So whatever reads one service reads all replicas of this one.
 *
 * It listens on loopback unless it was told otherwise, and answers to names that nobody else can make
 * lead to it; and there is nothing that it changes.
 */
import { once } from "node:events"
import type { IncomingMessage, Server } from "node:http"
import { http } from "../../core/http/builtin.ts"
import { listeningUrl } from "../../core/http/listening-url.ts"
import { Peers } from "../../core/http/peers.ts"
import { Pipelines } from "../../core/http/pipelines.ts"
import { ambiguity } from "../../core/http/unreadable.ts"
import { refusal } from "../../load/page/guard.ts"
import type { ResolvedSettings } from "../../service/settings.ts"
import type { UpReport } from "./report.ts"

export interface UpManagement extends AsyncDisposable {
  /** `http://127.0.0.1:9090`. */
  readonly url: string
}

/**
 * Listens at the settings' `managementHost` and `managementPort`.
 * @param report what there is to tell; undefined while it comes up itself, a moment.
 * @throws {Error} with code `EADDRINUSE` and the like, when the port can't be had.
 */
export async function serveManagement(
  { managementHost: host, managementPort: port }: ResolvedSettings,
  report: () => UpReport | undefined,
  connectionsMax: number,
): Promise<UpManagement> {
  const peers = new Peers(connectionsMax, () => {})
  const pipelines = new Pipelines(
    (request, response) => {
      const ambiguous = ambiguity(request)
      const [status, type, text] =
        ambiguous === undefined
          ? answerTo(request)
          : [ambiguous.status, plain, `${ambiguous.detail}\n`]
      response.shouldKeepAlive &&= ambiguous === undefined
      response.writeHead(status, {
        "content-type": `${type}; charset=utf-8`,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
      })
      response.end(text)
    },
    peers,
    true,
  )
  const server = http.createServer(pipelines.arrived)
  server.on("connection", peers.connected)

  function answerTo(request: IncomingMessage): Answer {
    const refused =
      request.method === "GET" ? refusal(request, "", host) : "Only GET is answered here."
    return refused === undefined
      ? answer((request.url ?? "").split("?", 1)[0]!, report())
      : [403, plain, `${refused}\n`]
  }

  server.listen({ port, host })
  await once(server, "listening")
  return {
    url: listeningUrl(server),
    [Symbol.asyncDispose]: () => closed(server),
  }
}

type Answer = readonly [status: number, type: string, text: string]

const json = "application/json"
const plain = "text/plain"

function answer(path: string, report: UpReport | undefined): Answer {
  switch (path) {
    case "/livez":
      return [200, plain, "It is alive.\n"]
    case "/readyz":
      return report !== undefined && report.ready > 0
        ? [
            200,
            plain,
            `A replica is ready.\n${report.troubles.map((why) => `Refused: ${why}\n`).join("")}`,
          ]
        : [503, plain, "No replica is ready.\n"]
    case "/status":
      return report === undefined
        ? [503, json, JSON.stringify({ error: "It is still starting." })]
        : [200, json, JSON.stringify(report)]
    case "/demand": {
      const { demandCores = 0, workers = 0, busy = 0, queued = 0 } = report ?? {}
      return [200, json, JSON.stringify({ cores: demandCores, workers, busy, queued })]
    }
    case "/metrics":
      return [200, `${plain}; version=0.0.4`, metrics(report)]
    default:
      return [404, plain, "There are /livez, /readyz, /status, /demand and /metrics.\n"]
  }
}

/** The names that a replica has too, and the replicas themselves. */
function metrics(report: UpReport | undefined): string {
  if (report === undefined) return ""
  const { workers, busy, queued, shedTotal, demandCores, cpuCores, wanted, stuck } = report
  const { memoryBytes, replicas } = report
  const phases = new Map<string, number>()
  for (const { phase } of replicas) phases.set(phase, (phases.get(phase) ?? 0) + 1)
  return [
    metric("capstan_workers", "gauge", "Workers by state.", [
      ['{state="busy"}', busy],
      ['{state="idle"}', Math.max(0, workers - busy)],
      ['{state="stuck"}', stuck],
    ]),
    metric("capstan_worker_memory_bytes", "gauge", "Memory that worker threads hold.", [
      ["", memoryBytes],
    ]),
    metric("capstan_queue_length", "gauge", "Requests that wait for a worker.", [["", queued]]),
    metric("capstan_shed_total", "counter", "Requests refused.", [["", shedTotal]]),
    metric("capstan_demand_cores", "gauge", "Cores that the offered work asks for.", [
      ["", demandCores],
    ]),
    metric("capstan_cpu_cores", "gauge", "CPU that ready replicas use, over the last window.", [
      ["", cpuCores],
    ]),
    metric("capstan_replicas_wanted", "gauge", "Replicas that there should be.", [["", wanted]]),
    metric(
      "capstan_replicas",
      "gauge",
      "Replicas by phase.",
      Array.from(phases, ([phase, count]) => [`{phase="${phase}"}`, count]),
    ),
  ].join("")
}

/** Nothing when there is no value. */
function metric(
  name: string,
  type: "gauge" | "counter",
  help: string,
  values: readonly (readonly [labels: string, value: number | undefined])[],
): string {
  const lines = values
    .filter(([, value]) => value !== undefined)
    .map(([labels, value]) => `${name}${labels} ${value}`)
  if (lines.length === 0) return ""
  return `${[`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines].join("\n")}\n`
}

async function closed(server: Server): Promise<void> {
  const end = once(server, "close")
  server.close()
  server.closeAllConnections()
  await end
}
