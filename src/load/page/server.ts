/**
 * The live page: files, the state, events and downloads by GET, all that changes something by POST.
 * It is plain node:http, like the management port: nine routes need no framework. HEAD is answered as
 * GET is, by the same code: Node leaves out the body.
 */
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import type { IncomingMessage, ServerResponse } from "node:http"
import { type AddressInfo, isIPv6 } from "node:net"
import { http } from "../../core/http/builtin.ts"
import { LoadError } from "../error.ts"
import { asset } from "./assets.ts"
import { download } from "./downloads.ts"
import { readForm, readOffer } from "./form.ts"
import { isOwn, refusal } from "./guard.ts"
import type { Session } from "./session.ts"
import { listenersMax, Stream, streamHeaders } from "./stream.ts"

export interface PageServer extends AsyncDisposable {
  /** `http://127.0.0.1:8089`. */
  readonly url: string
}

const bodyBytesMax = 16 * 1024

const headers = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
}

/**
 * Serves the page of a session.
 * @param port 0 takes a free one.
 * @param host where else than on loopback it may be reached; whoever reaches it can steer it.
 * @throws {Error} with code `EADDRINUSE` and the like, when the port can't be had.
 */
export async function servePage(
  session: Session,
  port: number,
  host = "127.0.0.1",
): Promise<PageServer> {
  const token = randomBytes(24).toString("base64url")
  const stream = new Stream(() => session.whereabouts)
  const stopListening = session.listen((event) => stream.tell(event))
  const server = http.createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const isTheirs = error instanceof LoadError
      if (!response.headersSent) {
        json(response, isTheirs ? 422 : 500, { error: isTheirs ? error.message : String(error) })
      } else response.destroy()
    })
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    const refused = refusal(request, token, host, "/")
    if (refused !== undefined) return json(response, 403, { error: refused })
    const url = URL.parse(request.url ?? "", "http://page")
    if (url === null) return nothing(response)
    if (request.method === "POST") return await act(url.pathname, request, response)
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD, POST")
      return json(response, 405, { error: "Only GET, HEAD and POST are answered here." })
    }
    await show(url, request, response)
  }

  async function show(
    { pathname, searchParams }: URL,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    switch (pathname) {
      case "/state":
        return json(response, 200, session.state())
      case "/events":
        // A page of the process that was here before has another token: the greeting has it reloaded.
        if (!isOwn(request, token, searchParams.get("token"))) return stream.greet(response)
        if (stream.isFull) {
          return json(response, 503, { error: `${listenersMax} pages are open already.` })
        }
        // Who asks for the headers alone does not listen.
        if (request.method === "HEAD") response.writeHead(200, streamHeaders).end()
        else stream.add(response)
        return
      case "/endpoint": {
        const text = (name: string): string => searchParams.get(name) ?? ""
        const course = session.endpoint(text("method"), text("name"))
        return course === undefined ? nothing(response) : json(response, 200, course)
      }
      default:
        if (pathname.startsWith("/download/")) return await sendDownload(pathname, response)
    }
    const file = await asset(pathname)
    if (file === undefined) return nothing(response)
    send(response, 200, file.contentType, file.text.replace("{{token}}", token))
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
      case "/reset":
        await session.reset()
        break
      case "/stop":
        // The page hears of it by an event; what is under way may take seconds.
        void session.stop()
        break
      default:
        return nothing(response)
    }
    json(response, 200, {})
  }

  async function sendDownload(path: string, response: ServerResponse): Promise<void> {
    const name = path.slice("/download/".length)
    const found = download(name)
    const result = session.result()
    if (found === undefined) return nothing(response)
    if (result === undefined) return json(response, 404, { error: "Nothing has run yet." })
    response.setHeader("content-disposition", `attachment; filename="capstan_${name}"`)
    send(response, 200, found.contentType, await found.write(result))
  }

  const closed = (): void => {
    stopListening()
    stream.close()
  }
  server.listen(port, host)
  try {
    await once(server, "listening")
  } catch (error) {
    closed()
    throw error
  }
  const shown = isIPv6(host) ? `[${host}]` : host
  return {
    url: `http://${shown}:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      closed()
      const ended = once(server, "close")
      server.close()
      server.closeAllConnections()
      await ended
    },
  }
}

function nothing(response: ServerResponse): void {
  json(response, 404, { error: "There is nothing at this path." })
}

function json(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, "application/json", JSON.stringify(value))
}

/** The length is told here, because Node tells none for a body that it leaves out. */
function send(response: ServerResponse, status: number, contentType: string, text: string): void {
  const length = Buffer.byteLength(text)
  response.writeHead(status, { "content-type": contentType, "content-length": length }).end(text)
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
