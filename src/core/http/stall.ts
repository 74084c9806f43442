/** Clients that take nothing of their answers. */
import type { ServerResponse } from "node:http"

/**
 * Breaks the connection when the client takes nothing of its answer for `ms`: else what is held of it
 * would be held for as long as the client likes. It holds until all of it was taken, from when the
 * socket is this answer's (another one may be in front of it).
 * @returns what lifts it before that.
 */
export function breakWhenStalled(response: ServerResponse, ms: number): () => void {
  const limit = (): void => {
    response.socket?.setTimeout(ms)
  }
  const lift = (): void => {
    response.off("socket", limit)
    response.off("finish", lift)
    response.socket?.setTimeout(0)
  }
  // In front of node:http, which then sets the socket's time to wait for another request.
  response.prependListener("finish", lift)
  if (response.socket === null) response.once("socket", limit)
  else limit()
  return lift
}
