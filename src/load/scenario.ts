/**
 * A scenario: what one simulated user does. Its tasks are plain functions; what they send goes
 * through the user that they are given, so that it is timed, counted and named. There is no global
 * state: two runs of one scenario know nothing of each other.
 */
import type { Random } from "../core/random.ts"

const brand: unique symbol = Symbol.for("capstan.load.scenario") as never

/** How long a user waits after a task, in milliseconds. Closed model only: arrivals don't wait. */
export type Wait =
  | { readonly constantMs: number }
  | { readonly minMs: number; readonly maxMs: number }
  /** So long from one task's start to the next one's, whatever the task takes. */
  | { readonly everyMs: number }

export interface RequestOptions {
  /** What it is counted under. Give one where the path has ids in it. @default the path */
  readonly name?: string
  readonly query?: Readonly<Record<string, string | number | boolean>>
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, with its content type. */
  readonly json?: unknown
  /** Sent as it is; say its content type in `headers`. */
  readonly body?: string | Uint8Array
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
  /** @throws {SyntaxError} when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what it is, the check will say
  json(): any
}

type Send = (path: string, options?: RequestOptions) => Promise<Answer>

export interface User {
  /** From 0, in the order of starting. In the open model each arrival is a new one. */
  readonly number: number
  readonly random: Random
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>
  readonly get: Send
  readonly post: Send
  readonly put: Send
  readonly patch: Send
  readonly delete: Send
}

type Work = (user: User) => unknown

export interface ScenarioConfig {
  /** @default "scenario" */
  readonly name?: string
  /** By name: a function, or one with a weight. A task with weight 3 is chosen thrice as often. */
  readonly tasks: Readonly<Record<string, Work | { readonly weight: number; readonly run: Work }>>
  /** @default none: the next task follows at once */
  readonly wait?: Wait
}

export interface Task {
  readonly name: string
  readonly weight: number
  readonly run: Work
}

export interface Scenario {
  readonly [brand]: true
  readonly name: string
  readonly tasks: readonly Task[]
  readonly wait: Wait
}

/**
 * Defines a scenario.
 * @throws {TypeError} when there is no task, or a weight or a wait is out of range.
 */
export function scenario({ name = "scenario", tasks, wait }: ScenarioConfig): Scenario {
  const list = Object.entries(tasks).map(([task, work]): Task => {
    const { weight, run } = typeof work === "function" ? { weight: 1, run: work } : work
    if (!(weight > 0 && weight <= 1_000_000)) {
      throw new TypeError(
        `scenario(): the weight of "${task}" is ${weight}; it must be more than 0 and at most 1000000.`,
      )
    }
    return { name: task, weight, run }
  })
  if (list.length === 0) throw new TypeError("scenario(): `tasks` is empty; name at least one.")
  for (const [field, ms] of Object.entries(wait ?? {})) {
    if (!(ms >= 0 && ms <= 3_600_000)) {
      throw new TypeError(`scenario(): wait.${field} is ${ms}; it must be from 0 to 3600000.`)
    }
  }
  if (wait !== undefined && "minMs" in wait && wait.minMs > wait.maxMs) {
    throw new TypeError(
      `scenario(): wait.minMs is ${wait.minMs}; it must be at most maxMs, which is ${wait.maxMs}.`,
    )
  }
  return { [brand]: true, name, tasks: list, wait: wait ?? { constantMs: 0 } }
}

/** Whether a module's default export is a scenario, of this copy of Capstan or another. */
export function isScenario(value: unknown): value is Scenario {
  return typeof value === "object" && value !== null && brand in value
}

/** One task, by weight. */
export function pickTask({ tasks }: Scenario, random: Random): Task {
  let rest = random() * tasks.reduce((sum, { weight }) => sum + weight, 0)
  for (const task of tasks) {
    rest -= task.weight
    if (rest < 0) return task
  }
  return tasks.at(-1)!
}

/** How long to wait now, after a task that took `tookMs`. */
export function waitMs(wait: Wait, tookMs: number, random: Random): number {
  if ("constantMs" in wait) return wait.constantMs
  if ("everyMs" in wait) return Math.max(0, wait.everyMs - tookMs)
  return wait.minMs + (wait.maxMs - wait.minMs) * random()
}
