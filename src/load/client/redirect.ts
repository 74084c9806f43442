/**
 * Where an answer sends its user on to. Redirects are followed within the target's origin: a load
 * that is led to other hosts would fall on somebody who was not meant.
 */
import type { Failure } from "../books/failure.ts"
import type { Message } from "./message.ts"

export const redirectsMaxDefault = 10

/** A message before its head is written. */
type Unaddressed = Omit<Message, "head">

/** An answer that may be a redirect, and the way that led to it. */
export interface Redirecting {
  readonly status: number
  readonly location: string | undefined
  /** What was sent. */
  readonly message: Unaddressed
  /** The paths that were asked so far, this one included. */
  readonly trail: readonly string[]
}

/** What to send next; or why not; or nothing, because the answer is the last one. */
export type Next = { readonly message: Unaddressed } | { readonly failure: Failure } | undefined

export function followed(origin: URL, answer: Redirecting, redirectsMax: number): Next {
  const { status, location, message, trail } = answer
  if (redirectsMax === 0 || location === undefined || !isRedirect(status)) return undefined
  const to = URL.parse(location, new URL(message.path, origin))
  if (to === null) return failure("redirects to what is no URL", location)
  if (to.origin !== origin.origin) {
    return failure(`redirects to ${to.origin}, which is not the target`, location)
  }
  const path = to.pathname + to.search
  if (trail.length > redirectsMax) {
    const way = [...trail, path].map((step) => step.slice(0, 80)).join(" → ")
    return trail.includes(path)
      ? failure(`redirects in a loop, ${redirectsMax} followed`, way)
      : failure(`more than ${redirectsMax} redirects`, way)
  }
  return { message: redirected(message, status, path) }
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status)
}

/** As browsers do it: after 303, and after 301 and 302 of a POST, it goes on with GET. */
function redirected(message: Unaddressed, status: number, path: string): Unaddressed {
  const { method } = message
  const becomesGet =
    (status === 303 && method !== "GET" && method !== "HEAD") ||
    ((status === 301 || status === 302) && method === "POST")
  if (!becomesGet) return { ...message, path }
  const headers = Object.fromEntries(
    Object.entries(message.headers).filter(([name]) => !/^content-/i.test(name)),
  )
  return { method: "GET", path, headers, body: null }
}

function failure(error: string, example: string): Next {
  return { failure: { kind: "redirect", error, example: example.slice(0, 1000) } }
}
