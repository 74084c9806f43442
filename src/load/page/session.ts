/**
 * What the live page shows and steers: one run at a time, the last one kept when it is over, and
 * the target, which is watched whether or not anything runs.
 *
 * It is idle, starting (the scenario is being made), running, stopping (answers may still come), or
 * over; from idle and over it can start. Every change is told to whoever listens, as numbered
 * events that cross to the browser as they are (events.ts).
 */
import { randomUUID } from "node:crypto"
import { monotonicClock } from "../../core/clock.ts"
import { withoutLogins } from "../../core/printable.ts"
import { type Course, loadCourse } from "../books/course.ts"
import { type LoadConfig, type Offer, type Plan, resolveLoad, resolveOffer } from "../config.ts"
import { LoadError } from "../error.ts"
import { ramp } from "../pace/profile.ts"
import type { Result, Snapshot } from "../result.ts"
import { Run, type RunOptions } from "../run.ts"
import { fetchScenario } from "../scenario/openapi-fetch.ts"
import { shownUrl } from "../shown-url.ts"
import { findTarget } from "../target/management.ts"
import type { TargetSource } from "../target.ts"
import { Endpoints } from "./endpoints.ts"
import type {
  Form,
  Front,
  NumberedEvent,
  PageEvent,
  PageState,
  RunState,
  Said,
  Status,
  Tool,
} from "./events.ts"
import { Watch } from "./watch.ts"

export interface SessionOptions {
  /** What the page does not ask for: headers, bounds, thresholds; and what its form begins with. */
  readonly config: LoadConfig
  /** What tells of the target. @default looked for beside the target when a run starts */
  readonly source?: TargetSource | undefined
  /** @default "charts" */
  readonly front?: Front
  /** @default "load" */
  readonly tool?: Tool
  readonly ended: (result: Result) => void
}

/** The rest of a second at a run's end is no point of its course. */
const rowMsMin = 500
const saidMax = 500
/** A run that began so much later than it was started has its time line moved. */
const startMsMax = 100

export class Session {
  readonly #options: SessionOptions
  readonly #id = randomUUID()
  readonly #listeners = new Set<(event: NumberedEvent) => void>()
  readonly #openedAtMs = Date.now()
  readonly #openedOnClockMs = monotonicClock()
  readonly #said: Said[] = []
  #number = 0
  #status: Status = "idle"
  #form: Form
  #watch: Watch | undefined
  #run: Run | undefined
  #notes: readonly string[] = []
  /** With its login, which nobody is shown. */
  #target: URL | null
  #startedAtMs = 0
  /** When the books began. */
  #sinceMs = 0
  #snapshot: Snapshot | null = null
  #rowAtMs = 0
  #endpoints = new Endpoints()
  #offered = ""
  #limit: string | null = null
  #verdicts: Result["thresholds"] = []

  constructor(options: SessionOptions) {
    this.#options = options
    const { target, users, spawnRate, rate, stages, arrivals, runTimeMs } = options.config
    const offer = { users, spawnRate, rate, stages, arrivals, runTimeMs }
    this.#target = URL.parse(target)
    this.#form = {
      target: this.#target === null ? withoutLogins(String(target)) : shownUrl(this.#target),
      ...defined(offer),
    }
    if (options.source !== undefined) this.#watchThrough(options.source)
  }

  state(): PageState {
    const { config, front = "charts", tool = "load" } = this.#options
    return {
      session: this.#id,
      number: this.#number,
      status: this.#status,
      front,
      tool,
      form: this.#form,
      scenario: config.scenario?.name ?? "made from the target's OpenAPI document",
      openedAtMs: this.#openedAtMs,
      run: this.#run === undefined ? null : this.#runState(this.#run),
      target: this.#watch?.state() ?? null,
      log: this.#said,
    }
  }

  /** Whose it is and how far it has come, for who reconnects. */
  get whereabouts(): { readonly session: string; readonly number: number } {
    return { session: this.#id, number: this.#number }
  }

  /** The result of the run so far, or of the last one. */
  result(): Result | undefined {
    return this.#run?.result()
  }

  /** The course of one endpoint; `undefined` when the run has sent nothing of that name. */
  endpoint(method: string, name: string): Course | undefined {
    return this.#endpoints.course(method, name)
  }

  /** Calls back for every event; the answer ends that. */
  listen(listener: (event: NumberedEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** A line for the page's log. */
  say(text: string, tone: Said["tone"] = "plain"): void {
    const said = { atMs: Math.round(this.#nowMs()), tone, text: withoutLogins(text) }
    this.#said.push(said)
    if (this.#said.length > saidMax) this.#said.shift()
    this.#tell({ kind: "said", said })
  }

  /** @throws {LoadError} when it can't be started as asked; the state is as before. */
  async start(form: Form): Promise<void> {
    if (this.#status !== "idle" && this.#status !== "over") {
      throw new LoadError("A run is going on already; stop it first.")
    }
    const { target, users, spawnRate, rate, stages, arrivals, runTimeMs, ...rest } =
      this.#options.config
    const plan = resolveLoad({ ...rest, ...form, target: this.#withLogin(form.target) })
    const before = this.#status
    this.#enter("starting")
    try {
      const made =
        rest.scenario === undefined
          ? await fetchScenario(plan.target, plan.headers, plan.insecure)
          : { scenario: rest.scenario, notes: rest.scenario.notes }
      await this.#findTarget(plan.target)
      this.#target = plan.target
      this.#form = { ...form, target: shownUrl(plan.target) }
      this.#begin(plan, made)
    } catch (error) {
      this.say(`It could not be started: ${(error as Error).message}`, "warning")
      this.#enter(before)
      throw error
    }
  }

  /** @throws {LoadError} when nothing runs, or the change is not one to this run. */
  change(asked: Offer): void {
    const run = this.#running()
    const { offer, offerText } = resolveOffer(asked)
    if (offer.kind !== run.plan.offer.kind) {
      throw new LoadError("A run keeps its model, users or rate; stop it and start another.")
    }
    if (offer.kind === "rate") run.change(offer)
    else {
      const users = asked.users ?? 0
      const profile = ramp(run.offered, users, asked.spawnRate ?? users)
      run.change({ ...offer, profile })
    }
    this.#offered = offerText
    this.say(`From now on ${offerText}.`)
    this.#tell({ kind: "changed" })
  }

  /**
   * Counters and charts begin anew, and the run goes on.
   * @throws {LoadError} when nothing runs.
   */
  async reset(): Promise<void> {
    await this.#running().reset()
    this.#sinceMs = this.#nowMs()
    this.#snapshot = null
    this.#endpoints = new Endpoints()
    this.say("Counters and charts begin anew; the run goes on.")
    this.#tell({ kind: "changed" })
  }

  /** Resolves when whatever ran is over. */
  async stop(): Promise<void> {
    if (this.#run === undefined || this.#status === "over") return
    if (this.#status === "running") {
      this.say("Stopping: what is under way may still be answered.")
      this.#enter("stopping")
    }
    await this.#run.stop()
  }

  /** Ends the run and the watch of the target. */
  async close(): Promise<void> {
    await this.stop()
    this.#watch?.close()
  }

  #running(): Run {
    if (this.#run === undefined || this.#status !== "running") {
      throw new LoadError("Nothing is running.")
    }
    return this.#run
  }

  /** What the form says is the target of before, unless it was changed: then it is what it says. */
  #withLogin(target: Form["target"]): Form["target"] {
    const isSame = this.#target !== null && String(target) === shownUrl(this.#target)
    return isSame ? String(this.#target) : target
  }

  /** Of a source that nobody named. The same place is not watched anew: its time line goes on. */
  async #findTarget(target: URL): Promise<void> {
    if (this.#options.source !== undefined) return
    const source = await findTarget(target)
    if (source?.where === this.#watch?.source.where) return
    this.#watch?.close()
    this.#watch = undefined
    if (source !== undefined) this.#watchThrough(source)
  }

  #watchThrough(source: TargetSource): void {
    this.#watch = new Watch(
      source,
      () => this.#nowMs(),
      (event) => this.#tell(event),
    )
    this.say(`The target is read from ${source.where}.`)
  }

  #begin(plan: Plan, made: Pick<RunOptions, "scenario" | "notes">): void {
    this.#notes = made.notes ?? []
    this.#snapshot = null
    this.#endpoints = new Endpoints()
    this.#verdicts = []
    this.#limit = null
    this.#offered = plan.offerText
    this.#startedAtMs = this.#nowMs()
    this.#sinceMs = this.#startedAtMs
    this.#rowAtMs = this.#startedAtMs
    const watch = this.#watch
    const run = new Run(plan, {
      ...made,
      source: watch && { where: watch.source.where, read: async () => watch.latest },
      onSecond: (snapshot) => this.#second(snapshot),
    })
    this.#run = run
    this.say(`Started: ${plan.offerText}, at ${shownUrl(plan.target)}.`)
    for (const note of this.#notes) this.say(note)
    this.#enter("running")
    void run.done.then((result) => {
      this.#verdicts = result.thresholds
      const { requests, failures } = result.total
      this.say(
        `Over (${result.ended}): ${requests} requests, of which ${failures} failed, in ${(result.durationMs / 1000).toFixed(1)} s.`,
      )
      this.#enter("over")
      this.#options.ended(result)
    })
  }

  #second(snapshot: Snapshot): void {
    // A run begins when its threads have loaded the scenario, and says only how long that is ago.
    const startedAtMs = this.#nowMs() - snapshot.elapsedMs
    if (this.#snapshot === null && startedAtMs - this.#startedAtMs > startMsMax) {
      this.#startedAtMs = startedAtMs
      this.#sinceMs = Math.max(this.#sinceMs, startedAtMs)
      this.#rowAtMs = startedAtMs
      this.#tell({ kind: "changed" })
    }
    this.#snapshot = snapshot
    const { limit } = snapshot.generator
    if (limit !== null && this.#limit === null) this.say(limit, "warning")
    this.#limit = limit
    const atMs = this.#startedAtMs + snapshot.elapsedMs
    const isPoint = atMs - this.#rowAtMs >= rowMsMin
    if (isPoint) {
      this.#rowAtMs = atMs
      this.#endpoints.add(Math.round(atMs), snapshot.rows)
    }
    this.#tell({ kind: "second", snapshot, row: isPoint ? this.#row(snapshot) : null })
  }

  #row({ point }: Snapshot): Extract<PageEvent, { kind: "second" }>["row"] {
    const { timeMs, columns } = loadCourse([point], this.#startedAtMs)
    const values = Object.entries(columns).map(([name, [value]]) => [name, value])
    return { timeMs: timeMs[0]!, values: Object.fromEntries(values) }
  }

  #runState(run: Run): RunState {
    return {
      target: shownUrl(run.plan.target),
      model: run.plan.offer.kind === "rate" ? "open" : "closed",
      offered: this.#offered,
      startedAtMs: Math.round(this.#startedAtMs),
      sinceMs: Math.round(this.#sinceMs),
      elapsedMs: this.#snapshot?.elapsedMs ?? this.#nowMs() - this.#startedAtMs,
      runTimeMs: run.plan.offer.runTimeMs ?? null,
      notes: this.#notes,
      snapshot: this.#snapshot,
      course: loadCourse(run.history, this.#startedAtMs),
      verdicts: this.#verdicts,
    }
  }

  /** Since 1970, and never set back: time lines are kept by it. */
  #nowMs(): number {
    return this.#openedAtMs + monotonicClock() - this.#openedOnClockMs
  }

  #enter(status: Status): void {
    this.#status = status
    this.#tell({ kind: "changed" })
  }

  #tell(event: PageEvent): void {
    this.#number += 1
    for (const listener of this.#listeners) listener({ ...event, number: this.#number })
  }
}

/** Without what is undefined, which an optional property may not be. */
function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as never
}
