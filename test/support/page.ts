/** The live page of a session, to be spoken to by hand. */
import type { PageState } from "../../src/load/page/events.ts"
import { servePage } from "../../src/load/page/server.ts"
import { Session, type SessionOptions } from "../../src/load/page/session.ts"
import type { Result } from "../../src/load/result.ts"
import type { TargetLogLine, TargetReading, TargetSource } from "../../src/load/target.ts"

export interface ServedPage extends AsyncDisposable {
  readonly url: string
  /** Where the page itself listens. */
  readonly events: string
  readonly session: Session
  readonly results: readonly Result[]
  /** A POST as the page sends it, or as `headers` change it. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
}

export async function servedPage(
  options: Omit<SessionOptions, "ended">,
  host?: string,
): Promise<ServedPage> {
  const results: Result[] = []
  const session = new Session({ ...options, ended: (result) => results.push(result) })
  const page = await servePage(session, 0, host)
  const html = await (await ask(page.url)).text()
  const token = /capstan-token" content="([^"]+)"/.exec(html)?.[1] ?? ""
  return {
    url: page.url,
    events: `${page.url}/events?token=${token}`,
    session,
    results,
    post: (path, body, headers = {}) =>
      ask(page.url + path, {
        method: "POST",
        headers: { "content-type": "application/json", "x-capstan-token": token, ...headers },
        body: JSON.stringify(body),
      }),
    async [Symbol.asyncDispose]() {
      await session.close()
      await page[Symbol.asyncDispose]()
    },
  }
}

/**
 * As `fetch`, on a connection of its own: one that is kept is closed by the page after five seconds,
 * and on a machine that is busy a request may meet that.
 */
export function ask(
  url: string,
  { headers = {}, ...more }: RequestInit & { readonly headers?: Record<string, string> } = {},
): Promise<Response> {
  return fetch(url, { ...more, headers: { connection: "close", ...headers } })
}

/** The state at the moment in which this is said, and not when somebody comes to ask for it. */
export function stateWhen(session: Session, said: RegExp): Promise<PageState> {
  return new Promise((resolve) => {
    const stop = session.listen((event) => {
      if (event.kind !== "said" || !said.test(event.said.text)) return
      stop()
      resolve(session.state())
    })
  })
}

/** A target that says what it is told to say. */
export class ScriptedTarget implements TargetSource {
  readonly where = "a script"
  readonly #followers = new Set<(line: TargetLogLine) => void>()
  reading: TargetReading | undefined
  reads = 0

  constructor(reading: TargetReading | undefined) {
    this.reading = reading
  }

  async read(): Promise<TargetReading | undefined> {
    this.reads += 1
    return this.reading
  }

  follow(follower: (line: TargetLogLine) => void): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  get followers(): number {
    return this.#followers.size
  }

  log(pod: string, text: string): void {
    for (const follower of this.#followers) follower({ atMs: Date.now(), pod, text })
  }
}
