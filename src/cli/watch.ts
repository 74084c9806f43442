/**
 * `capstan watch MODULE`: a deployment as it lives, in a terminal as a screenful, elsewhere as lines,
 * for scripts as JSON, and on the live page. Looks once a second; changes nothing.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { addressOf } from "../kubernetes/cluster/address.ts"
import { Api } from "../kubernetes/cluster/api.ts"
import { Session } from "../load/page/session.ts"
import { asked } from "./cluster-failure.ts"
import { type PlaceFlags, placeOf } from "./deployment-place.ts"
import { Failure } from "./failure.ts"
import { webPort } from "./load-flags.ts"
import { openPage } from "./page-port.ts"
import { print, printDocument } from "./print.ts"
import { stoppedBySignal } from "./stop.ts"
import type { ClusterWatch } from "./watch/cluster-watch.ts"
import { firstLook } from "./watch/first-look.ts"
import { statusText } from "./watch/screen.ts"
import { watchedTarget } from "./watch/target.ts"
import { createTeller, type Teller } from "./watch/teller.ts"

export interface WatchFlags extends PlaceFlags {
  readonly json?: true
  readonly once?: true
  readonly logs: boolean
  readonly page?: true
  readonly webPort?: string
}

const everyMs = 1_000

/**
 * Until a signal ends it; resolves to the exit code.
 * @throws {Failure} when there is nothing to watch, or no answer to begin with.
 */
export async function watch(typed: string, flags: WatchFlags): Promise<0 | 1> {
  const port = pagePort(flags)
  const { name, namespace: named, context } = await placeOf(typed, flags, "anybody's")
  const api = await asked(async () => new Api(context))
  const subject = { namespace: named ?? api.namespace, name }
  const teller: Teller | undefined = flags.once ? undefined : createTeller(flags.json === true)
  const watched = await firstLook(api, subject, (event) => teller?.tell(event))
  if (teller === undefined) return once(watched, flags.json === true)

  await using stack = new AsyncDisposableStack()
  const stopped = stoppedBySignal({ drain: async () => {}, said: () => {} })
  if (flags.logs && !flags.json) {
    stack.defer(watched.follow((line) => teller.log(line)))
  }
  let pageUrl: string | undefined
  if (port !== undefined) {
    const session = new Session({
      config: { target: await addressFrom(api, subject) },
      source: watchedTarget(watched, { logs: flags.logs }),
      front: "target",
      tool: "watch",
      ended: () => {},
    })
    stack.defer(() => session.close())
    pageUrl = stack.use(await openPage(session, port)).url
  }
  stack.defer(() => teller.end())
  teller.begin(() => watched.state, pageUrl)
  let isOver = false
  const ended = stopped.then(() => {
    isOver = true
  })
  while (!isOver) {
    await Promise.race([sleep(everyMs), ended])
    if (!isOver) await Promise.race([lookAgain(watched), ended])
    teller.looked()
  }
  return 0
}

/** No answer is no reason to end: it may come back. */
async function lookAgain(watched: ClusterWatch): Promise<void> {
  try {
    await watched.look()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
  }
}

function once({ state }: ClusterWatch, isJson: boolean): 0 | 1 {
  if (state === undefined) return 1
  if (isJson) printDocument(`${JSON.stringify(state, null, 2)}\n`)
  else print(statusText(state, Date.now()))
  return state.replicas.ready > 0 ? 0 : 1
}

/** Undefined: no page. */
function pagePort({ page, webPort: typed, once }: WatchFlags): number | undefined {
  if (!page && typed === undefined) return undefined
  if (once)
    throw new Failure(2, "--once and --page exclude each other: a page needs somebody to go on.")
  return webPort(typed === undefined ? {} : { webPort: typed })
}

/** For the page's form: where it is, or where `capstan open` would lead to it. */
async function addressFrom(
  api: Api,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<string> {
  try {
    const address = await addressOf(api, namespace, name, 0, () => {})
    if (address.kind === "url") return address.url
  } catch {
    // It has no Service of its name: it was deployed by somebody else.
  }
  return "http://127.0.0.1:8080"
}
