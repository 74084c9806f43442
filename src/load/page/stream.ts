/**
 * Everybody who listens, over server-sent events. An event is written down once for all of them.
 * Who leaves too much unread is cut off: a browser connects again by itself, hears in the greeting
 * how far things have come, and fetches what it has missed.
 */
import type { ServerResponse } from "node:http"
import type { Greeting, NumberedEvent } from "./events.ts"

/** Pages that are open at once; the tabs of one browser share a connection. */
export const listenersMax = 50
export const streamHeaders = { "content-type": "text/event-stream" } as const
const unreadBytesMax = 4 * 1024 * 1024
const pingMs = 15_000
/** After which a browser tries again. */
const retryMs = 1000

export class Stream {
  readonly #listeners = new Set<ServerResponse>()
  readonly #whereabouts: () => Omit<Greeting, "kind">
  readonly #pinging = setInterval(() => this.#write(this.#greeting("ping")), pingMs)

  constructor(whereabouts: () => Omit<Greeting, "kind">) {
    this.#whereabouts = whereabouts
  }

  get isFull(): boolean {
    return this.#listeners.size >= listenersMax
  }

  /** Says who is here, and no more. */
  greet(response: ServerResponse): void {
    response.writeHead(200, streamHeaders).end(this.#hello())
  }

  add(response: ServerResponse): void {
    response.writeHead(200, streamHeaders)
    response.write(this.#hello())
    this.#listeners.add(response)
    response.on("close", () => this.#listeners.delete(response))
  }

  tell(event: NumberedEvent): void {
    if (this.#listeners.size > 0) this.#write(event)
  }

  close(): void {
    clearInterval(this.#pinging)
  }

  #hello(): string {
    return `retry: ${retryMs}\n${written(this.#greeting("hello"))}`
  }

  #greeting(kind: Greeting["kind"]): Greeting {
    return { kind, ...this.#whereabouts() }
  }

  #write(event: NumberedEvent | Greeting): void {
    const text = written(event)
    for (const response of this.#listeners) {
      if (response.writableLength > unreadBytesMax) response.destroy()
      else response.write(text)
    }
  }
}

function written(event: NumberedEvent | Greeting): string {
  return `data: ${JSON.stringify(event)}\n\n`
}
