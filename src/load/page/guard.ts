/**
 * Who may use the page. It can send any amount of traffic anywhere, so no other page that is open in
 * the same browser may steer it: it listens on loopback only, answers to loopback names only (a
 * foreign name that resolves to 127.0.0.1 is the trick of DNS rebinding), and changes nothing
 * without the token that is in the page itself.
 */
import { timingSafeEqual } from "node:crypto"
import type { IncomingMessage } from "node:http"

/** Why a request is refused; undefined when it is not. */
export function refusal(request: IncomingMessage, token: string): string | undefined {
  const { host = "", origin, "x-capstan-token": sent } = request.headers
  const name = URL.parse(`http://${host}`)?.hostname
  if (name === undefined || !["127.0.0.1", "localhost", "[::1]"].includes(name)) {
    return "This page answers to 127.0.0.1 and localhost only."
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return "This page takes no requests from other pages."
  }
  if (request.method !== "POST") return undefined
  return isSame(String(sent), token) ? undefined : "The token is missing; reload the page."
}

function isSame(sent: string, token: string): boolean {
  const [a, b] = [Buffer.from(sent), Buffer.from(token)]
  return a.length === b.length && timingSafeEqual(a, b)
}
