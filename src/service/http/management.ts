/**
 * The management port: probes, metrics, demand. It is plain node:http and has nothing in common with
 * the API port, so that nothing that happens there, no queue, no bound, no full event of Fastify's,
 * can make a probe wait; and it is a port of its own so that it need not be reachable from outside.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type pino from "pino"
import { http } from "../../core/http/builtin.ts"
import { throwAway } from "../../core/http/linger.ts"
import { Peers } from "../../core/http/peers.ts"
import { Pipelines } from "../../core/http/pipelines.ts"
import { turn } from "../../core/http/turn.ts"
import { takenAtOnceBytes, Unread } from "../../core/http/unread.ts"
import { ambiguity } from "../../core/http/unreadable.ts"
import { Problem } from "../problem.ts"
import { securityHeaders } from "./security-headers.ts"
import { problemMediaType } from "./send.ts"

export interface ManagementDeps {
  readonly health: {
    /** Whether it can ever serve again, and why not. */
    readonly livez: () => { readonly ok: boolean; readonly reason: string }
    /** Whether to send requests here, and why not; if so, which it refuses all the same, in lines. */
    readonly readyz: () => { readonly ok: boolean; readonly reason: string }
  }
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
  /** What `/demand` tells, as JSON. */
  readonly demand: () => unknown
  readonly log: pino.Logger
  readonly connectionsMax: number
}

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly text: string
}

/** How long a client may take to send a request, and may take nothing of its answer. */
const timeoutMs = 10_000
/** Of metrics and figures that nobody takes. */
const unreadBytesMax = 16_777_216

/** The server, not listening. */
export function createManagement(deps: ManagementDeps): Server {
  const { health, metrics, demand, log, connectionsMax } = deps
  const shared = sharing(metrics)
  const pages: Readonly<Record<string, () => Answer | Promise<Answer>>> = {
    // That it answers at all is nearly all that it says: the event loop turns. Busy is not sick.
    "/livez": () => {
      const { ok, reason } = health.livez()
      return ok ? text("The server is alive.\n") : problem(503, reason)
    },
    "/readyz": () => {
      const { ok, reason } = health.readyz()
      return ok ? text(`The server is ready.\n${reason}`) : problem(503, reason)
    },
    "/metrics": async () => ({ status: 200, ...(await whenThereIsRoom(shared)) }),
    "/demand": () => whenThereIsRoom(() => json(demand())),
  }
  const peers = new Peers(connectionsMax, () => {})
  const unread = new Unread({ bytesMax: unreadBytesMax, stallMs: timeoutMs, full() {} })
  const pipelines = new Pipelines(
    (request, response) => {
      const ambiguous = ambiguity(request)
      const page =
        ambiguous === undefined
          ? pageOf(request, pages)
          : problem(ambiguous.status, ambiguous.detail)
      if ("status" in page) send(request, response, page)
      else {
        answer(page).then((found) => {
          send(request, response, found)
          if (found.text.length > takenAtOnceBytes) unread.hold(response, found.text.length)
        })
      }
    },
    peers,
    true,
  )
  const timeouts = { requestTimeout: timeoutMs, headersTimeout: timeoutMs }
  const server = http.createServer(timeouts, pipelines.arrived)
  server.on("connection", peers.connected)
  server.on("connection", pipelines.connected)
  return server

  async function answer(page: () => Answer | Promise<Answer>): Promise<Answer> {
    try {
      return await page()
    } catch (err) {
      log.error({ err }, "a page of the management port failed")
      return problem(500, "This page failed; the log has the reason.")
    }
  }
}

/** Probes go first: whoever scrapes, and how many do, they never wait for that. */
async function whenThereIsRoom<T>(page: () => T): Promise<Awaited<T>> {
  await turn.room()
  return await page()
}

/** Of the time since the last one, rendering may take this share. */
const renderingShare = 1 / 20
const sharedMsMax = 1_000

/**
 * Metrics take milliseconds to write down: whoever asks soon after another gets the same ones. How
 * soon that is follows from how long they took, a second at the most.
 */
function sharing<T>(render: () => Promise<T>): () => Promise<T> {
  let rendering: Promise<T> | undefined
  return () => {
    rendering ??= renderAnew()
    return rendering
  }

  async function renderAnew(): Promise<T> {
    const begunMs = performance.now()
    try {
      return await render()
    } finally {
      const tookMs = performance.now() - begunMs
      setTimeout(
        () => {
          rendering = undefined
        },
        Math.min(sharedMsMax, tookMs / renderingShare),
      ).unref()
    }
  }
}

const methods = ["GET", "HEAD"]

function pageOf<Page>(
  { url = "", method = "" }: IncomingMessage,
  pages: Readonly<Record<string, Page>>,
): Page | Answer {
  const path = url.split("?", 1)[0] as string
  if (!Object.hasOwn(pages, path)) {
    return problem(
      404,
      `There is nothing at this path; there are ${Object.keys(pages).join(", ")}.`,
    )
  }
  if (!methods.includes(method))
    return problem(405, `Only ${methods.join(", ")} are answered here.`)
  return pages[path] as Page
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const allow = answer.status === 405 ? { allow: methods.join(", ") } : {}
  const ends = ambiguity(request) === undefined ? {} : { connection: "close" }
  response.writeHead(answer.status, {
    ...securityHeaders,
    ...allow,
    ...ends,
    "content-type": answer.contentType,
    "content-length": Buffer.byteLength(answer.text),
  })
  response.end(answer.text)
  throwAway(request)
}

function text(line: string): Answer {
  return { status: 200, contentType: "text/plain; charset=utf-8", text: line }
}

function json(value: unknown): Answer {
  return { status: 200, contentType: "application/json", text: JSON.stringify(value) }
}

function problem(status: number, detail: string): Answer {
  const document = new Problem({ status, detail })
  return { status, contentType: problemMediaType, text: JSON.stringify(document) }
}
