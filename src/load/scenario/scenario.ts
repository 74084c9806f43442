/**
 * A scenario: what one simulated user does. Its tasks are plain functions; what they send goes
 * through the user that they are given, so that it is timed, counted and named. There is no global
 * state: two runs of one scenario know nothing of each other.
 */
import type { Random } from "../../core/random.ts"
import type { Rows } from "./data.ts"
import type { FormFile } from "./form.ts"

const brand: unique symbol = Symbol.for("capstan.load.scenario") as never

/** How long a user waits after a task, in milliseconds. Closed model only: arrivals don't wait. */
export type Wait =
  | { readonly constantMs: number }
  | { readonly minMs: number; readonly maxMs: number }
  /** Pacing: so long from one task's start to the next one's, whatever the task takes. */
  | { readonly everyMs: number }
  /** Says it each time, in milliseconds. */
  | ((user: User) => number)

type QueryValue = string | number | boolean

export interface RequestOptions {
  /** What it is counted under. Give one where the path has ids in it. @default the path */
  readonly name?: string
  /** A list is sent as so many under one name. */
  readonly query?: Readonly<Record<string, QueryValue | readonly QueryValue[]>>
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, with its content type. */
  readonly json?: unknown
  /** Sent as a form: URL-encoded, or as `multipart/form-data` when there is a `file()` in it. */
  readonly form?: Readonly<Record<string, string | number | boolean | FormFile>>
  /** Sent as it is; say its content type in `headers`. */
  readonly body?: string | Uint8Array
  /**
   * How many redirects are followed, within the target's origin. All of it counts as one request,
   * to the end of the last answer. 0: none, a 302 is the answer. @default 10
   */
  readonly redirectsMax?: number
  /**
   * What the answer has to be, by name. A check that returns false or throws makes the request a
   * failure of that name. Without any, statuses from 400 are failures; with some, these decide and
   * the status is theirs to look at.
   */
  readonly checks?: Readonly<Record<string, (answer: Answer) => boolean>>
  /** The answer's body is counted and thrown away: quicker, where nobody reads it. @default false */
  readonly discardBody?: boolean
}

/** What came back, or why nothing did: a request that fails does not throw. */
export interface Answer {
  /** No failure and no failed check. */
  readonly ok: boolean
  /** 0 when there was no answer. */
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** What went wrong, in words. */
  readonly failure: string | undefined
  readonly text: string
  readonly body: Uint8Array
  /** How many redirects led here. */
  readonly redirects: number
  /** @throws {SyntaxError} when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what it is, the check will say
  json(): any
}

type Send = (path: string, options?: RequestOptions) => Promise<Answer>

/** A user's cookies: what the target sets is kept and sent back by itself. */
export interface CookieJar {
  get(name: string): string | undefined
  set(name: string, value: string): void
  clear(): void
}

export interface User {
  /** From 0, and no two have the same. In the open model each arrival is a new user. */
  readonly number: number
  readonly random: Random
  readonly cookies: CookieJar
  /** With any method. @throws {TypeError} when the path does not begin with a slash. */
  readonly request: (method: string, path: string, options?: RequestOptions) => Promise<Answer>
  readonly get: Send
  readonly head: Send
  readonly post: Send
  readonly put: Send
  readonly patch: Send
  readonly delete: Send
  /** This user's next row. @throws {RangeError} when each has its own, and there are none left. */
  readonly next: <Row>(rows: Rows<Row>) => Row
  /** Thinks for a while in the middle of a task. When the run ends meanwhile, so does the task. */
  readonly sleep: (ms: number) => Promise<void>
}

type Work<State> = (user: User, state: State) => unknown

export interface ScenarioConfig<State> {
  /** @default "scenario" */
  readonly name?: string
  /**
   * What each user does first; what it returns, or resolves to, is the user's state. Write it above
   * the tasks, or TypeScript does not know its type there. When it throws, the user tries again
   * after a second.
   */
  readonly setUp?: (user: User) => State | Promise<State>
  /** By name: a function, or one with a weight. A task with weight 3 is chosen thrice as often. */
  readonly tasks: Readonly<
    Record<string, Work<State> | { readonly weight: number; readonly run: Work<State> }>
  >
  /** What each user does last, at the end of the run too. */
  readonly tearDown?: Work<State>
  /** @default none: the next task follows at once */
  readonly wait?: Wait
}

export interface Task {
  readonly name: string
  readonly weight: number
  readonly run: Work<unknown>
}

/** Where another thread gets the same scenario from. */
export type ScenarioOrigin =
  /** The URL of the module that exports it. */
  | { readonly module: string }
  /** An OpenAPI document. */
  | { readonly document: unknown }

export interface Scenario {
  readonly [brand]: true
  readonly name: string
  readonly tasks: readonly Task[]
  /** Sum of the weights. */
  readonly weight: number
  readonly setUp: ((user: User) => unknown) | undefined
  readonly tearDown: Work<unknown> | undefined
  readonly wait: Wait
  /** What a reader of its results should know: what was left out, say. */
  readonly notes: readonly string[]
  /** Undefined for one that was made in code: functions can't go to another thread. */
  readonly origin: ScenarioOrigin | undefined
}

/**
 * Defines a scenario.
 * @throws {TypeError} when there is no task, or a weight or a wait is out of range.
 */
export function scenario<State = undefined>(config: ScenarioConfig<State>): Scenario {
  const { name = "scenario", tasks, wait, setUp, tearDown } = config
  const list = Object.entries(tasks ?? {}).map(([task, work]): Task => {
    const { weight, run } = typeof work === "function" ? { weight: 1, run: work } : work
    if (!(weight > 0 && weight <= 1_000_000)) {
      throw new TypeError(
        `scenario(): the weight of "${task}" is ${weight}; it must be more than 0 and at most 1000000.`,
      )
    }
    if (typeof run !== "function") {
      throw new TypeError(`scenario(): the task "${task}" is no function.`)
    }
    return { name: task, weight, run: run as Work<unknown> }
  })
  if (list.length === 0) throw new TypeError("scenario(): `tasks` is empty; name at least one.")
  checkWait(wait)
  return {
    [brand]: true,
    name,
    tasks: list,
    weight: list.reduce((sum, { weight }) => sum + weight, 0),
    setUp,
    tearDown: tearDown as Work<unknown> | undefined,
    wait: wait ?? { constantMs: 0 },
    notes: [],
    origin: undefined,
  }
}

function checkWait(wait: Wait | undefined): void {
  if (wait === undefined || typeof wait === "function") return
  for (const [field, ms] of Object.entries(wait)) {
    if (!(ms >= 0 && ms <= 3_600_000)) {
      throw new TypeError(`scenario(): wait.${field} is ${ms}; it must be from 0 to 3600000.`)
    }
  }
  if ("minMs" in wait && wait.minMs > wait.maxMs) {
    throw new TypeError(
      `scenario(): wait.minMs is ${wait.minMs}; it must be at most maxMs, which is ${wait.maxMs}.`,
    )
  }
}

/** Whether a module's default export is a scenario, of this copy of Capstan or another. */
export function isScenario(value: unknown): value is Scenario {
  return typeof value === "object" && value !== null && brand in value
}

/** One task, by weight. */
export function pickTask({ tasks, weight }: Scenario, random: Random): Task {
  if (tasks.length === 1) return tasks[0]!
  let rest = random() * weight
  for (const task of tasks) {
    rest -= task.weight
    if (rest < 0) return task
  }
  return tasks.at(-1)!
}

/**
 * How long to wait now, after a task that took `tookMs`.
 * @throws {TypeError} when a function says something that is no time.
 */
export function waitMs(wait: Wait, user: User, tookMs: number): number {
  if (typeof wait === "function") {
    const ms = wait(user)
    if (ms >= 0 && ms <= 3_600_000) return ms
    throw new TypeError(`wait returned ${ms}; it must be from 0 to 3600000, in milliseconds.`)
  }
  if ("constantMs" in wait) return wait.constantMs
  if ("everyMs" in wait) return Math.max(0, wait.everyMs - tookMs)
  return wait.minMs + (wait.maxMs - wait.minMs) * user.random()
}
