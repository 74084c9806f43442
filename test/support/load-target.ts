/** A target that does as it is told, on a real socket. */
import { once } from "node:events"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface LoadTarget extends AsyncDisposable {
  readonly url: string
  readonly server: Server
  /** Connections accepted so far. */
  readonly connections: () => number
}

export async function loadTarget(
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => {
    response.end("ok")
  },
): Promise<LoadTarget> {
  const server = createServer(answer)
  let connections = 0
  server.on("connection", () => {
    connections += 1
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close")
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
