/**
 * The line to the server. A browser has six connections to a host, all its tabs together, and each
 * open page would hold one for ever: the seventh tab would wait in vain, and so would every button.
 * So the tabs share one, through a worker that they have in common. Where there are no such workers
 * (Chrome on Android) a page has a line of its own.
 */

/** @typedef {{ message(text: string): void, opened(): void, lost(): void }} Listener */

/**
 * @param {Listener} listener
 * @param {string} token is what listening takes, and tells the workers of two servers apart that were at
 *   this address in turn.
 * @returns {() => void} call it after a sleep: a line that only looks alive is opened anew.
 */
export function connect(listener, token) {
  /** @param {{ kind: string, text?: string }} told */
  const take = ({ kind, text = "" }) => {
    if (kind === "message") listener.message(text)
    else if (kind === "opened") listener.opened()
    else listener.lost()
  }
  if (typeof SharedWorker === "undefined") {
    const line = openLine(token, take)
    return () => line.check()
  }
  const { port } = new SharedWorker("line-worker.js", { type: "module", name: token })
  port.onmessage = ({ data }) => take(data)
  addEventListener("pagehide", () => port.postMessage("bye"))
  addEventListener("pageshow", ({ persisted }) => persisted && port.postMessage("back"))
  return () => port.postMessage("check")
}

/** The server pings after 15 s of silence. */
const silenceMs = 20_000
const againMs = 2000

/**
 * Server-sent events, opened again whatever happens.
 * @param {string} token
 * @param {(told: { kind: "message" | "opened" | "lost", text?: string }) => void} tell
 */
export function openLine(token, tell) {
  /** @type {EventSource | undefined} */
  let source
  let heardAtMs = Date.now()
  const open = () => {
    source?.close()
    source = new EventSource(`events?token=${token}`)
    source.onopen = () => {
      heardAtMs = Date.now()
      tell({ kind: "opened" })
    }
    source.onmessage = ({ data }) => {
      heardAtMs = Date.now()
      tell({ kind: "message", text: data })
    }
    source.onerror = () => {
      tell({ kind: "lost" })
      // After some errors a browser does not try again by itself.
      if (source?.readyState === EventSource.CLOSED) setTimeout(open, againMs)
    }
  }
  const check = () => {
    if (Date.now() - heardAtMs > silenceMs) {
      heardAtMs = Date.now()
      open()
    }
  }
  setInterval(check, silenceMs)
  open()
  return { check, isOpen: () => source?.readyState === EventSource.OPEN }
}
