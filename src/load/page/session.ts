/**
 * What the live page shows and steers: one run at a time, the last one kept when it is over.
 *
 * It is idle, starting (the scenario is being made), running, stopping (answers may still come), or
 * over; from idle and over it can start. Every change is told to whoever listens, as events that
 * cross to the browser as they are.
 */
import { type LoadConfig, type Offer, type Plan, resolveLoad, resolveOffer } from "../config.ts"
import { LoadError } from "../error.ts"
import type { Point } from "../history.ts"
import { fetchScenario } from "../openapi-fetch.ts"
import { ramp } from "../profile.ts"
import type { Result, Snapshot } from "../result.ts"
import { Run } from "../run.ts"
import { findTarget, type TargetSource } from "../target.ts"

type Status = "idle" | "starting" | "running" | "stopping" | "over"

/** What the form is filled with. */
export interface Form extends Offer {
  readonly target: string
}

/** All that a page needs that has just been opened. */
export interface PageState {
  readonly status: Status
  readonly form: Form
  /** How requests are made up: of a scenario file, or of the target's OpenAPI document. */
  readonly scenario: string
  readonly run: RunState | null
}

export interface RunState {
  readonly target: string
  readonly model: "open" | "closed"
  readonly offered: string
  readonly startedAtMs: number
  readonly runTimeMs: number | null
  /** Where the target is read; null when it tells nothing of itself. */
  readonly source: string | null
  readonly notes: readonly string[]
  readonly snapshot: Snapshot | null
  readonly history: readonly Point[]
  /** Once it is over. */
  readonly verdicts: Result["thresholds"]
}

export type PageEvent =
  | { readonly kind: "state"; readonly state: PageState }
  | { readonly kind: "second"; readonly snapshot: Snapshot }

export interface SessionOptions {
  /** What the page does not ask for: headers, bounds, thresholds; and what its form begins with. */
  readonly config: LoadConfig
  /** The management port to read, when it was said. @default looked for beside the target */
  readonly source?: TargetSource | undefined
  readonly ended: (result: Result) => void
}

export class Session {
  readonly #options: SessionOptions
  readonly #listeners = new Set<(event: PageEvent) => void>()
  #status: Status = "idle"
  #form: Form
  #run: Run | undefined
  #facts: Pick<RunState, "source" | "notes"> = { source: null, notes: [] }
  #startedAtMs = 0
  #snapshot: Snapshot | null = null
  #offered = ""
  #verdicts: Result["thresholds"] = []

  constructor(options: SessionOptions) {
    this.#options = options
    const { target, users, spawnRate, rate, stages, arrivals, runTimeMs } = options.config
    const offer = { users, spawnRate, rate, stages, arrivals, runTimeMs }
    this.#form = { target: String(target), ...defined(offer) }
  }

  state(): PageState {
    const { scenario } = this.#options.config
    return {
      status: this.#status,
      form: this.#form,
      scenario: scenario?.name ?? "made from the target's OpenAPI document",
      run: this.#run === undefined ? null : this.#runState(this.#run),
    }
  }

  /** The result of the run so far, or of the last one. */
  result(): Result | undefined {
    return this.#run?.result()
  }

  /** Calls back for every event; the answer ends that. */
  listen(listener: (event: PageEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** @throws {LoadError} when it can't be started as asked; the state is as before. */
  async start(form: Form): Promise<void> {
    if (this.#status !== "idle" && this.#status !== "over") {
      throw new LoadError("A run is going on already; stop it first.")
    }
    const { headers, timeoutMs, connectionAgeMs, connectionRequestsMax, thresholds, scenario } =
      this.#options.config
    const rest = { headers, timeoutMs, connectionAgeMs, connectionRequestsMax, thresholds }
    const plan = resolveLoad({ ...defined(rest), ...form })
    const before = this.#status
    this.#enter("starting")
    try {
      const made =
        scenario === undefined
          ? await fetchScenario(plan.target, plan.headers)
          : { scenario, notes: [] }
      const source = this.#options.source ?? (await findTarget(plan.target))
      this.#form = form
      this.#begin(plan, { ...made, source })
    } catch (error) {
      this.#enter(before)
      throw error
    }
  }

  /** @throws {LoadError} when nothing runs, or the change is not one to this run. */
  change(asked: Offer): void {
    const run = this.#run
    if (run === undefined || this.#status !== "running") throw new LoadError("Nothing is running.")
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
    this.#tellState()
  }

  /** Resolves when whatever ran is over. */
  async stop(): Promise<void> {
    if (this.#run === undefined || this.#status === "over") return
    if (this.#status === "running") this.#enter("stopping")
    await this.#run.stop()
  }

  #begin(
    plan: Plan,
    made: Pick<ConstructorParameters<typeof Run>[1], "scenario" | "notes"> & {
      readonly source: TargetSource | undefined
    },
  ): void {
    this.#facts = { source: made.source?.where ?? null, notes: made.notes ?? [] }
    this.#snapshot = null
    this.#verdicts = []
    this.#offered = plan.offerText
    this.#startedAtMs = Date.now()
    const run = new Run(plan, {
      ...made,
      onSecond: (snapshot) => {
        this.#snapshot = snapshot
        this.#tell({ kind: "second", snapshot })
      },
    })
    this.#run = run
    this.#enter("running")
    void run.done.then((result) => {
      this.#verdicts = result.thresholds
      this.#enter("over")
      this.#options.ended(result)
    })
  }

  #runState(run: Run): RunState {
    return {
      ...this.#facts,
      target: run.plan.target.href,
      model: run.plan.offer.kind === "rate" ? "open" : "closed",
      offered: this.#offered,
      startedAtMs: this.#startedAtMs,
      runTimeMs: run.plan.offer.runTimeMs ?? null,
      snapshot: this.#snapshot,
      history: run.history,
      verdicts: this.#verdicts,
    }
  }

  #enter(status: Status): void {
    this.#status = status
    this.#tellState()
  }

  #tellState(): void {
    this.#tell({ kind: "state", state: this.state() })
  }

  #tell(event: PageEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}

/** Without what is undefined, which an optional property may not be. */
function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined),
  ) as never
}
