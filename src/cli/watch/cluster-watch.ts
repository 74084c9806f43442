/**
 * A deployment that is being watched: looks at it when told to, and knows what it has seen. Without
 * an answer it keeps the last look, and says since when that is all there is.
 */
import type { Api } from "../../kubernetes/cluster/api.ts"
import { LogFollow, type LogLine } from "../../kubernetes/watch/log-follow.ts"
import { type Look, look, type Subject } from "../../kubernetes/watch/look.ts"
import { type News, newsOf } from "../../kubernetes/watch/news.ts"
import { lifeOf } from "../../kubernetes/watch/pod-life.ts"
import { asked } from "../cluster-failure.ts"
import { Shadow } from "./shadow.ts"
import { stateOf, type Trouble, troubleIn, type WatchState } from "./state.ts"
import type { Sync } from "./sync.ts"
import type { WatchEvent } from "./words.ts"

const syncsMax = 50
/** A start has its moments (no room yet, not listening yet) of which nobody need hear. */
const ordinaryMs = 5_000

export class ClusterWatch {
  readonly #api: Api
  readonly #subject: Subject
  readonly #told: (event: WatchEvent) => void
  readonly #shadow = new Shadow()
  readonly #followers = new Set<(line: LogLine) => void>()
  #follow: LogFollow | undefined
  #last: Look | undefined
  #state: WatchState | undefined
  #outage: WatchState["outage"] = null
  #syncs: readonly Sync[] = []
  #standing: { readonly trouble: Trouble; readonly sinceMs: number; told: boolean } | undefined

  constructor(api: Api, subject: Subject, told: (event: WatchEvent) => void = () => {}) {
    this.#api = api
    this.#subject = subject
    this.#told = told
  }

  /** Undefined before the first look. */
  get state(): WatchState | undefined {
    return this.#state && { ...this.#state, outage: this.#outage }
  }

  /**
   * Resolves when there was an answer.
   * @throws {Failure} when there was none, or the cluster refuses.
   */
  async look(): Promise<void> {
    let now: Look
    try {
      now = await asked(() => look(this.#api, this.#subject))
    } catch (error) {
      if (this.#outage === null && this.#last !== undefined) {
        const why = (error as Error).message
        this.#outage = { sinceMs: Date.now(), why }
        this.#told({ kind: "outage", why })
      }
      throw error
    }
    this.#take(now)
  }

  /** Log lines by replica from now on; the answer ends that. */
  follow(line: (line: LogLine) => void): () => void {
    this.#followers.add(line)
    this.#follow ??= new LogFollow(this.#api, this.#subject, (it) => {
      for (const follower of this.#followers) follower(it)
    })
    return () => {
      this.#followers.delete(line)
      if (this.#followers.size > 0) return
      this.#follow?.close()
      this.#follow = undefined
    }
  }

  #take(now: Look): void {
    if (this.#outage !== null) {
      this.#told({ kind: "back", afterMs: now.atMs - this.#outage.sinceMs })
      this.#outage = null
    }
    const sync = this.#shadow.take(now)
    if (sync !== undefined) {
      this.#syncs = [...this.#syncs, sync].slice(-syncsMax)
      this.#told({ kind: "sync", sync })
    }
    for (const news of newsOf(this.#last, now)) if (!isSaid(news, now, sync)) this.#told(news)
    this.#last = now
    this.#follow?.take(now.pods.filter(({ status }) => status?.phase !== "Pending"))
    this.#state = stateOf({
      context: this.#api.context,
      ...this.#subject,
      look: now,
      outage: null,
      syncs: this.#syncs,
      now: this.#shadow.now(now),
      blindUntilMs: this.#shadow.blindUntilMs,
      trouble: this.#troubleIn(now),
    })
  }

  #troubleIn(now: Look): Trouble | undefined {
    const trouble = troubleIn(now)
    // The same reason comes in other words from one attempt to the next; what to do stays.
    if (trouble?.next !== this.#standing?.trouble.next) {
      const sinceMs = this.#state === undefined ? unreadySinceMs(now) : now.atMs
      this.#standing = trouble && { trouble, sinceMs, told: false }
    }
    const standing = this.#standing
    if (standing === undefined || now.atMs - standing.sinceMs < ordinaryMs) return undefined
    if (!standing.told) this.#told({ kind: "trouble", trouble: standing.trouble })
    standing.told = true
    return trouble
  }
}

/**
 * What stands in the way at the first look stands there for as long as some replica was not ready: it
 * has had its time by then, or nobody who looks only once would ever hear of it.
 */
function unreadySinceMs({ pods, atMs }: Look): number {
  const lives = pods.map(lifeOf).filter(({ phase }) => phase !== "ready" && phase !== "draining")
  const since = lives.map((life) => (life.phase === "unready" ? life.sinceMs : life.bornMs))
  return Math.min(atMs, ...since)
}

/** What a sync says more fully, what is said twice, and what is of no interest while a pod comes or goes. */
function isSaid(news: News, { pods }: Look, sync: Sync | undefined): boolean {
  if (news.kind === "wanted") return news.to === sync?.theirs.to
  if (news.kind !== "event") return false
  const { reason, message = "", involvedObject } = news.event
  switch (reason) {
    case "SuccessfulRescale":
      return sync !== undefined && message.startsWith(`New size: ${sync.theirs.to};`)
    case "FailedComputeMetricsReplicas":
      return true
    case "Unhealthy": {
      const pod = pods.find(({ metadata }) => metadata?.name === involvedObject?.name)
      const phase = pod && lifeOf(pod).phase
      return message.startsWith("Startup") || phase === "starting" || phase === "draining"
    }
    default:
      return false
  }
}
