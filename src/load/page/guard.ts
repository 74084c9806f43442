/**
 * Who may use the page. It can send any amount of traffic anywhere, so no other page that is open in
 * the same browser may steer it: it listens on loopback unless it was told otherwise, answers only
 * to names that nobody else can make lead to it (a foreign name that resolves to 127.0.0.1 is the
 * trick of DNS rebinding; an address can't be rebound), and changes nothing without the token that
 * is in the page itself.
 *
 * Nor may another page take what the page itself needs, or have the machine at work that measures: a
 * picture or a frame of another site asks as well as anybody. Browsers tell who asks (Sec-Fetch-Site),
 * of names that are this machine's; elsewhere they don't, and whoever listens has to show the token.
 */
import { timingSafeEqual } from "node:crypto"
import type { IncomingMessage } from "node:http"
import { isIP } from "node:net"

/**
 * Why a request is refused; undefined when it is not.
 * @param front the path that others may link to; left out: any.
 * @param listensOn the host that was asked for; one that is no loopback may be named by any address.
 */
export function refusal(
  request: IncomingMessage,
  token: string,
  listensOn: string,
  front?: string,
): string | undefined {
  const { host = "", origin, "x-capstan-token": sent } = request.headers
  const name = URL.parse(`http://${host}`)?.hostname
  if (name === undefined || !isOurs(name, listensOn)) {
    return isLoopback(listensOn)
      ? "This page answers to 127.0.0.1 and localhost only."
      : `This page answers to addresses, ${listensOn} and localhost only.`
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return "This page takes no requests from other pages."
  }
  if (isOfOthers(request) && !isVisit(request, front)) {
    return "This page takes no requests from other pages."
  }
  if (request.method !== "POST") return undefined
  return isSame(String(sent), token) ? undefined : "The token is missing; reload the page."
}

/** Whether it is the page that asks, and nobody else's. @param shown the token that came with it. */
export function isOwn({ headers }: IncomingMessage, token: string, shown: string | null): boolean {
  return headers["sec-fetch-site"] === "same-origin" || isSame(shown ?? "", token)
}

/** Another site, or another port of this machine. What is typed or bookmarked is of nobody. */
function isOfOthers({ headers }: IncomingMessage): boolean {
  const site = headers["sec-fetch-site"]
  return site !== undefined && site !== "same-origin" && site !== "none"
}

/** Somebody follows a link, in a window of their own. */
function isVisit(
  { method, url = "", headers }: IncomingMessage,
  front: string | undefined,
): boolean {
  const { "sec-fetch-mode": mode, "sec-fetch-dest": destination } = headers
  const isShown = mode === "navigate" && destination === "document" && method === "GET"
  return isShown && (front === undefined || url.split("?", 1)[0] === front)
}

function isLoopback(host: string): boolean {
  return ["127.0.0.1", "localhost", "::1", "[::1]"].includes(host)
}

function isOurs(name: string, listensOn: string): boolean {
  if (isLoopback(name)) return true
  if (isLoopback(listensOn)) return false
  return name === listensOn.toLowerCase() || isIP(name.replace(/^\[|\]$/g, "")) !== 0
}

function isSame(sent: string, token: string): boolean {
  const [a, b] = [Buffer.from(sent), Buffer.from(token)]
  return a.length === b.length && timingSafeEqual(a, b)
}
