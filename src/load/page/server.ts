/**
 * The live page on a loopback port: files, events and downloads by GET, all that changes something
 * by POST. It is plain node:http, like the management port: eight routes need no framework.
 */
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { LoadError } from "../error.ts"
import { failuresCsv, historyCsv, statsCsv } from "../report/csv.ts"
import type { Result } from "../result.ts"
import { asset } from "./assets.ts"
import { readForm, readOffer } from "./form.ts"
import { refusal } from "./guard.ts"
import type { PageEvent, Session } from "./session.ts"

export interface PageServer extends AsyncDisposable {
  /** `http://127.0.0.1:8089`. */
  readonly url: string
}

const host = "127.0.0.1"
const bodyBytesMax = 16 * 1024
/** Pages that are open at once. */
const listenersMax = 50
/** What a page may leave unread, because its computer sleeps, say. It reconnects when it wakes. */
const unreadBytesMax = 8 * 1024 * 1024
const pingMs = 15_000

const headers = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
}

const downloads: Readonly<Record<string, (result: Result) => string>> = {
  "/download/stats.csv": statsCsv,
  "/download/stats_history.csv": ({ history }) => historyCsv(history),
  "/download/failures.csv": failuresCsv,
  "/download/result.json": (result) => JSON.stringify(result),
}

/**
 * Serves the page of a session.
 * @param port 0 takes a free one.
 * @throws {Error} with code `EADDRINUSE` and the like, when the port can't be had.
 */
export async function servePage(session: Session, port: number): Promise<PageServer> {
  const token = randomBytes(24).toString("base64url")
  const listeners = new Set<ServerResponse>()
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const isTheirs = error instanceof LoadError
      if (!response.headersSent) {
        json(response, isTheirs ? 422 : 500, { error: isTheirs ? error.message : String(error) })
      } else response.destroy()
    })
  })
  const stopListening = session.listen((event) => {
    for (const response of listeners) tell(response, event)
  })
  const pinging = setInterval(() => {
    for (const response of listeners) response.write(": still here\n\n")
  }, pingMs)

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    const refused = refusal(request, token)
    if (refused !== undefined) return json(response, 403, { error: refused })
    const path = (request.url ?? "").split("?", 1)[0]!
    if (request.method === "POST") return await act(path, request, response)
    if (request.method !== "GET") {
      response.setHeader("allow", "GET, POST")
      return json(response, 405, { error: "Only GET and POST are answered here." })
    }
    if (path === "/events") return listen(response)
    if (Object.hasOwn(downloads, path)) return sendDownload(response, path)
    const file = await asset(path)
    if (file === undefined) return json(response, 404, { error: "There is nothing at this path." })
    response.setHeader("content-type", file.contentType)
    response.end(file.text.replace("{{token}}", token))
  }

  async function act(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    switch (path) {
      case "/start":
        await session.start(readForm(await readJson(request)))
        break
      case "/change":
        session.change(readOffer(await readJson(request)))
        break
      case "/stop":
        // The page hears of it by an event; what is under way may take seconds.
        void session.stop()
        break
      default:
        return json(response, 404, { error: "There is nothing at this path." })
    }
    json(response, 200, {})
  }

  function listen(response: ServerResponse): void {
    if (listeners.size >= listenersMax) {
      json(response, 503, { error: `${listenersMax} pages are open already.` })
      return
    }
    response.writeHead(200, { "content-type": "text/event-stream" })
    listeners.add(response)
    response.on("close", () => listeners.delete(response))
    tell(response, { kind: "state", state: session.state() })
  }

  function sendDownload(response: ServerResponse, path: string): void {
    const result = session.result()
    if (result === undefined) {
      json(response, 404, { error: "Nothing has run yet." })
      return
    }
    const name = `capstan_${path.slice("/download/".length)}`
    response.setHeader("content-disposition", `attachment; filename="${name}"`)
    response.setHeader(
      "content-type",
      `${name.endsWith("json") ? "application/json" : "text/csv"}; charset=utf-8`,
    )
    response.end(downloads[path]!(result))
  }

  server.listen(port, host)
  try {
    await once(server, "listening")
  } catch (error) {
    clearInterval(pinging)
    throw error
  }
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      clearInterval(pinging)
      stopListening()
      const closed = once(server, "close")
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function tell(response: ServerResponse, event: PageEvent): void {
  if (response.writableLength > unreadBytesMax) response.destroy()
  else response.write(`data: ${JSON.stringify(event)}\n\n`)
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" })
  response.end(JSON.stringify(value))
}

/** @throws {LoadError} when it is too large or no JSON. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > bodyBytesMax) throw new LoadError(`More than ${bodyBytesMax} bytes were sent.`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"))
  } catch {
    throw new LoadError("What was sent is not JSON.")
  }
}
