/** What the server's main thread and a worker, a thread or a process, say to each other. */
import type { Encoding, Fault, JsonText, Outcome } from "../outcome.ts"
import type { Lifted } from "./area.ts"

export interface WorkerSetup {
  /** The module whose default export is the service. */
  readonly moduleUrl: string
  /** The operations that this worker may be asked for; their `setup` runs, in this order. */
  readonly operations: readonly string[]
  /** Those of them without which it is of no use. Without the others it does, if it has any. */
  readonly required: readonly string[]
  readonly nice: number
}

/** What went wrong with a `setup`. */
export interface FailedSetup {
  /** The operations that share it. */
  readonly operations: readonly string[]
  readonly fault: Fault
}

/** A fault as one of the `setup` that these operations share: its message says so, once. */
export function faultOfSetup(operations: readonly string[], fault: Fault): Fault {
  const what = `setup of ${operations.map((name) => `"${name}"`).join(", ")} failed: `
  return fault.message.startsWith(what) ? fault : { ...fault, message: what + fault.message }
}

/** How many tasks a worker may have at once: one that runs, the others ahead of their turn. */
export const tasksMax = 16

/**
 * Shared words that both threads read and write while the worker's event loop is busy.
 * But for the last, each holds the id of a task, of those in {@link RunMessage}; 0 is nobody's.
 */
export const Flag = {
  /** The main thread: stop this task. */
  cancel: 0,
  /**
   * The first of {@link tasksMax} words, one for each task that the worker was given. The task is in
   * its word until it is claimed: by the worker that begins it, or by the main thread that takes it
   * back. Whoever puts 0 there first has it.
   */
  claims: 1,
  /** The worker: how many works of native addons are under way. */
  addonWorks: 1 + tasksMax,
  /** The worker: 1 once it has loaded a native addon. */
  addons: 2 + tasksMax,
} as const
export const flagBytes = (3 + tasksMax) * Int32Array.BYTES_PER_ELEMENT

export const isSlot = (slot: unknown): boolean =>
  Number.isInteger(slot) && Number(slot) >= 0 && Number(slot) < tasksMax

/** The last id that a word can hold. */
export const idMax = 0x7fff_ffff

/** Whether the caller has the task to itself now; the other thread will leave it alone. */
export function claim(
  flags: Int32Array,
  { id, slot }: { readonly id: number; readonly slot: number },
): boolean {
  return Atomics.compareExchange(flags, Flag.claims + slot, id, 0) === id
}

/** Whether the worker has been given, or is just being given, anything that nobody has claimed. */
export function isGiven(flags: Int32Array): boolean {
  for (let slot = 0; slot < tasksMax; slot++) {
    if (Atomics.load(flags, Flag.claims + slot) !== 0) return true
  }
  return false
}

/**
 * A task. The two messages that every call needs are tuples: an object's keys would be written and
 * read as strings each time, which takes longer than all the rest.
 */
export type RunMessage = readonly [
  /**
   * Of this giving, 1 to {@link idMax}. A task that was taken back and is given once more has another:
   * else the worker would take the first message, which it still gets, for the second, and begin it
   * before others that it was given in between.
   */
  id: number,
  operation: string,
  path: unknown,
  query: unknown,
  headers: unknown,
  body: unknown,
  requestId: string,
  /** On the clock of `Date.now()`, the only one that threads share. */
  deadlineAtMs: number,
  encoding: Encoding | undefined,
  /** Where it is to be claimed before it is begun. */
  slot: number,
  /** Set when path, query, headers and body are as they were received, and are to be read first. */
  unread: Unread | undefined,
]

export interface Unread {
  /** Set when the operation's `cost` has not been asked yet: how much it may say. */
  readonly timeAllowedMs: number | undefined
}

/**
 * What became of a task.
 *
 * The kernel brings a thread's CPU time up to date when the thread sleeps, else only with each tick
 * (4 ms). Read at a task's end it lacks up to a tick, which is all of a short task; read when the next
 * task comes, it is right. So each message also says how much the one before it lacked.
 */
export type OutcomeMessage = readonly [
  id: number,
  /** A bare string is the JSON of an answer, which is what most calls come to. */
  outcome: WorkerOutcome | string,
  /** How long it held the worker. */
  ranMs: number,
  /** CPU time that the task took on the worker's thread, as far as known. */
  cpuMs: number,
  /** CPU time that the worker's task before this one took beyond what was said of it. */
  cpuMsBefore: number,
  /** CPU time since then that was no task's: it waited awake. */
  idleCpuMs: number,
  /** What the operation's `cost` said, where it was asked on the worker. */
  foretoldMs?: number | undefined,
]

export type ToWorker =
  | RunMessage
  | { readonly type: "cancel"; readonly id: number }
  | { readonly type: "pull"; readonly id: number; readonly count: number }
  /** Dispose of what `setup` made, and end. */
  | { readonly type: "stop" }
  /** The same, but end when nothing is left to be done: no timer, and no work of an addon's. */
  | { readonly type: "leave" }
  /** End at once. */
  | { readonly type: "exit" }

export type LogLevel = "debug" | "info" | "warn" | "error"

const logLevels: ReadonlySet<unknown> = new Set<LogLevel>(["debug", "info", "warn", "error"])

export const isLogLevel = (level: unknown): level is LogLevel => logLevels.has(level)

/** The outcomes that a worker itself can tell of. */
export type WorkerOutcome = Extract<
  Outcome,
  { kind: "done" | "problem" | "invalid" | "too-costly" | "shed" | "error" }
>

export function wholeOutcome(told: OutcomeMessage[1]): WorkerOutcome {
  return typeof told === "string" ? { kind: "done", reply: { kind: "json", text: told } } : told
}

export type FromWorker =
  | OutcomeMessage
  /** Begins the `setup` that these operations share. */
  | { readonly type: "setup"; readonly operations: readonly string[] }
  | {
      readonly type: "ready"
      readonly nativeThreadId: number | undefined
      /** What it is ready without. */
      readonly failed: readonly FailedSetup[]
    }
  | { readonly type: "item"; readonly id: number; readonly json: JsonText }
  /** Something failed that is not of the present call. Undefined: what the module or `setup` started. */
  | {
      readonly type: "leftover"
      readonly operation: string | undefined
      readonly requestId: string | undefined
      readonly fault: Fault
    }
  | {
      readonly type: "log"
      readonly requestId: string
      readonly level: LogLevel
      readonly message: string
      readonly fields: Readonly<Record<string, unknown>> | undefined
    }

/** What a process is told first. */
export interface ProcessSetup extends WorkerSetup {
  /** Whether it has one: see area.ts. */
  readonly hasArea: boolean
}

/** What a process says beside that, which a thread need not say. */
export type FromProcess =
  | FromWorker
  | Lifted
  /** It begins to load what is the service's. */
  | { readonly type: "loads" }
  /** It begins a task, see {@link Flag.claims}. */
  | { readonly type: "began"; readonly id: number; readonly slot: number }
  /** It ends at once because of this. */
  | { readonly type: "failed"; readonly fault: Fault }

export type Leftover = Extract<FromWorker, { type: "leftover" }>

export type LogMessage = Extract<FromWorker, { type: "log" }>

/** Tells the tuples from the other messages. */
export function isTuple<Message>(
  message: Message,
): message is Extract<Message, readonly unknown[]> {
  return Array.isArray(message)
}
