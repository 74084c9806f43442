/** Answers for a service that can't: 503, with what is wrong with it. */
import type { Server } from "node:http"
import type { Socket } from "node:net"
import { http } from "../../core/http/builtin.ts"

export class FailurePage {
  readonly #server: Server
  #text = ""

  constructor() {
    this.#server = http.createServer((request, response) => {
      const wantsPage = request.headers.accept?.includes("text/html") === true
      response.writeHead(503, {
        "content-type": wantsPage ? "text/html; charset=utf-8" : "application/problem+json",
        "cache-control": "no-store",
        connection: "close",
      })
      response.end(wantsPage ? page(this.#text) : problem(this.#text))
    })
  }

  /** Answers the connection's request, and closes it. */
  answer(socket: Socket, text: string): void {
    this.#text = text
    this.#server.emit("connection", socket)
    socket.resume()
  }
}

function problem(detail: string): string {
  return JSON.stringify({
    type: "about:blank",
    title: "Service Unavailable",
    status: 503,
    detail,
  })
}

function page(text: string): string {
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Not serving</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
  body { max-width: 60rem; margin: 10vh auto; padding: 0 1rem }
  pre { padding: 1rem; overflow-x: auto; border-left: 4px solid #c33; background: #8881 }
</style>
<h1>The service can't be served as it is</h1>
<pre>${escaped}</pre>
<p>Save a file and load this page again.</p>
</html>
`
}
