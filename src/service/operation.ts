/**
 * An operation: one typed endpoint. A user writes an {@link OperationConfig}; {@link operation}
 * checks it and fills in the defaults, once, so that nothing behind it sees an optional.
 */
import type {
  Binary,
  BinaryAnswer,
  BodySpec,
  BytesBody,
  FileFields,
  Form,
  MultipartBody,
  OutputSpec,
} from "./body.ts"
import type { Example, RawExample } from "./example.ts"
import { parsePath, type Segment } from "./path.ts"
import { isSchema, type Schema, type SchemaInput, type SchemaOutput } from "./schema.ts"

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE"

type Parsed<S> = S extends Schema ? SchemaOutput<S> : undefined
type ParsedBody<B> = B extends BytesBody
  ? Binary
  : B extends MultipartBody<infer Fields, infer Files extends FileFields>
    ? Form<Fields, Files>
    : Parsed<B>

/** What `run` gets, checked and typed by the operation's schemas. */
export interface Input<Path, Query, Headers, Body> {
  readonly path: Parsed<Path>
  readonly query: Parsed<Query>
  readonly headers: Parsed<Headers>
  readonly body: ParsedBody<Body>
}

type Answer<Output> = Output extends BytesBody
  ? BinaryAnswer | Uint8Array | string
  : Output extends Schema
    ? SchemaInput<Output>
    : // biome-ignore lint/suspicious/noConfusingVoidType: a `run` that returns nothing answers 204
      void

/** A logger whose lines carry the request's id. Bodies and secrets do not belong in it. */
export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** What `run` gets beside its input. */
export interface Context<State = undefined> {
  /**
   * Aborted when the answer is no longer wanted: the deadline has passed or the client has left.
   * A synchronous loop must look at `signal.aborted` now and then (a few nanoseconds); the `abort`
   * event reaches asynchronous code only. Who does not stop is terminated after the grace.
   */
  readonly signal: AbortSignal
  readonly log: Log
  /** The id in the log and in the response's `x-request-id`. */
  readonly requestId: string
  /** When the answer stops being useful, in milliseconds since 1970, like `Date.now()`. */
  readonly deadlineAtMs: number
  /** What `setup` returned in this worker. */
  readonly state: State
}

/** What a worker is: a thread of the server's process, or a process of its own. */
export type Isolation = "thread" | "process"

/** A pool of workers of the operation's own, apart from the shared one. */
export interface OwnWorkers {
  /** How many. 1 or more. @default 1 */
  readonly count?: number
  /**
   * Memory that each may use, in MiB, 16 or more: its heap, and what calls hold in Buffers and typed
   * arrays. A worker that is a process is held to it as a whole: what it has in memory, heap or not,
   * may be 64 MiB more, beside what Node itself takes.
   * @default the setting `workerMemoryMiB`
   */
  readonly memoryMiB?: number
  /**
   * What each of them is. `"thread"`: a thread of the server's process. `"process"`: a process of its
   * own, for code that refuses to run in a thread, or may crash: a fault in native code costs the one
   * call. It starts later, takes more memory, and inputs and answers are copied to it and back.
   * @default "thread"
   */
  readonly isolation?: Isolation
}

export interface OperationConfig<
  Path extends Schema | undefined,
  Query extends Schema | undefined,
  Headers extends Schema | undefined,
  Body extends BodySpec | undefined,
  Output extends OutputSpec | undefined,
  State,
> {
  /** @default "POST" */
  readonly method?: Method
  /**
   * For example `/api/v1/images/{id}`. A parameter is in braces, and is a whole segment or the
   * beginning of one: `/v1/models/{name}:predict`. The more that is written out, the sooner it is
   * matched. Escapes are compared as RFC 3986 has it: `%41` is `A`, and `%2F` is no slash.
   */
  readonly path: string

  /** Schema of the path's parameters. Required when the path has any. */
  readonly params?: Path
  /** Schema of the query. Strings become numbers, booleans and arrays where it says so. */
  readonly query?: Query
  /** Schema of the headers that matter, with lower-case names. */
  readonly headers?: Headers
  /**
   * A schema for JSON (`application/json`, or anything that is `application/*+json`), {@link bytes} or
   * {@link multipart}. None: a body is ignored.
   */
  readonly body?: Body
  /** A schema for JSON, or {@link bytes}. None: the answer is 204. */
  readonly output?: Output

  /**
   * `"worker"`: on a worker thread, through admission and queue. `"main"`: on the main thread, at
   * once: for what takes microseconds only, because all requests and probes wait meanwhile.
   * @default "worker"
   */
  readonly thread?: "worker" | "main"
  /**
   * Where input is parsed and checked. `"auto"`: on the main thread when it is small and, by what the
   * JSON Schemas tell, can't be much work; else on the worker. `"worker"`: always there, for schemas
   * with code of yours that may take long (a `refine`). @default "auto"
   */
  readonly validate?: "auto" | "worker"
  /**
   * When the answer stops being useful, in milliseconds from the request's arrival, 1 to 86 400 000.
   * Past it the client gets 504 and the work is stopped. A client can ask for less, never for more.
   * @default the setting `deadlineMs`
   */
  readonly deadlineMs?: number
  /**
   * The largest body accepted, in bytes.
   * @default the setting `bodyBytesMax`; with `thread: "main"` and a schema or a form for a body no
   * more than 4096, since all requests wait while it is parsed and checked
   */
  readonly bodyBytesMax?: number
  /**
   * What it will cost: CPU milliseconds on one core, a finite number of 0 or more; anything else is
   * answered 500. Used instead of what was learnt from earlier calls, to decide whether it can be done
   * in time; worth giving when calls differ a lot. Earlier calls correct it by how far it was off.
   *
   * Taken at its word, uncorrected, when it says more than the request's whole deadline: then no
   * server could do it in time, and the client is told so with a 422 instead of to try again later.
   * So it should rather say too little than too much. Ignored with `thread: "main"`.
   * Must be quick: it runs on the main thread, but for inputs that are read on the worker (see
   * `validate`), where it comes too late to refuse anything before the call has had its turn.
   */
  readonly cost?: (input: Input<Path, Query, Headers, Body>) => number
  /** When the client leaves: stop the work, or run to the end all the same. @default "cancel" */
  readonly onDisconnect?: "cancel" | "finish"
  /**
   * How long a call may go on after its `signal` was aborted, in milliseconds, 0 to 60 000.
   * @default the setting `cancelGraceMs`
   */
  readonly cancelGraceMs?: number
  /**
   * What becomes of a call that goes on past that. `"terminate"`: its worker is ended, and another
   * takes over. Where it waits for a native addon, it is not, since the addon would end the
   * process: the worker gets no more calls, and ends when that work is done. `"wait"`: the
   * worker is never ended. For native code that must not be cut off while it computes; it keeps its
   * worker until it returns.
   * @default "terminate"
   */
  readonly stop?: "terminate" | "wait"
  /** Gives the operation workers of its own: for a memory limit, or so that it can't hold up others. */
  readonly ownWorkers?: OwnWorkers
  /** Compress the answer when the client accepts it (zstd, br or gzip), on the worker. @default false */
  readonly compress?: boolean

  readonly summary?: string
  /** Markdown. */
  readonly description?: string
  readonly tags?: readonly string[]
  readonly examples?: Readonly<Record<string, Example<Path, Query, Headers, Body, Output>>>
  /** The problems that `run` throws on purpose, by status, for the documentation. */
  readonly problems?: Readonly<Record<number, string>>

  /**
   * Runs once in each worker before its first request: load a model, compile WASM. Operations that
   * name the same function share its value. While it fails, by throwing or by taking longer than
   * `setupTimeoutMs`, calls of these operations are answered 503, and it is tried again, later and
   * later; the other operations are served. Threads that it starts have the worker's low priority.
   */
  readonly setup?: () => State | Promise<State>
  /** Runs when a worker stops in good order. */
  readonly dispose?: (state: State) => void | Promise<void>
  /**
   * The work. Plain synchronous or asynchronous TypeScript. As a generator (`*run`, `async *run`)
   * each value it yields is an item of `output`, sent as it is made: as NDJSON, or as server-sent
   * events to a client that accepts `text/event-stream`. Those have ids, from 1 up, or behind the
   * header `last-event-id` where it is among `headers`: then the run must continue there.
   */
  run(
    input: Input<Path, Query, Headers, Body>,
    context: Context<State>,
  ):
    | Answer<Output>
    | Promise<Answer<Output>>
    | Generator<Answer<Output>, void, void>
    | AsyncGenerator<Answer<Output>, void, void>
}

/** An operation with every default filled in but those that come from the settings. */
export interface Operation {
  readonly method: Method
  readonly path: string
  /** The path, taken to pieces. */
  readonly segments: readonly Segment[]
  readonly params: Schema | undefined
  readonly query: Schema | undefined
  readonly headers: Schema | undefined
  readonly body: BodySpec | undefined
  readonly output: OutputSpec | undefined
  readonly thread: "worker" | "main"
  readonly validate: "auto" | "worker"
  /** `run` is a generator. */
  readonly streams: boolean
  readonly deadlineMs: number | undefined
  readonly bodyBytesMax: number | undefined
  readonly cost: ((input: RawInput) => number) | undefined
  readonly onDisconnect: "cancel" | "finish"
  readonly cancelGraceMs: number | undefined
  readonly stop: "terminate" | "wait"
  readonly ownWorkers:
    | {
        readonly count: number
        readonly memoryMiB: number | undefined
        readonly isolation: Isolation
      }
    | undefined
  readonly compress: boolean
  readonly summary: string | undefined
  readonly description: string | undefined
  readonly tags: readonly string[]
  readonly examples: Readonly<Record<string, RawExample>>
  readonly problems: Readonly<Record<number, string>>
  readonly setup: (() => unknown) | undefined
  readonly dispose: ((state: unknown) => unknown) | undefined
  readonly run: (input: RawInput, context: Context<unknown>) => unknown
}

/** An input after its schemas, its types erased. */
export interface RawInput {
  readonly path: unknown
  readonly query: unknown
  readonly headers: unknown
  readonly body: unknown
}

const methods: readonly string[] = ["GET", "POST", "PUT", "PATCH", "DELETE"]
const deadlineMsMax = 86_400_000

/**
 * Defines an operation. Its types follow from its schemas.
 *
 * @throws {TypeError} naming the field, the value and what is allowed, when the configuration is wrong.
 */
export function operation<
  Path extends Schema | undefined = undefined,
  Query extends Schema | undefined = undefined,
  Headers extends Schema | undefined = undefined,
  Body extends BodySpec | undefined = undefined,
  Output extends OutputSpec | undefined = undefined,
  State = undefined,
>(config: OperationConfig<Path, Query, Headers, Body, Output, State>): Operation {
  const method = config.method ?? "POST"
  const wrong = (field: string, value: unknown, allowed: string): TypeError =>
    new TypeError(
      `operation ${method} ${config.path}: ${field} is ${show(value)}; it must be ${allowed}.`,
    )

  const misplaced = (field: string, why: string): TypeError =>
    new TypeError(`operation ${method} ${config.path}: ${field} must be left out ${why}.`)

  if (!methods.includes(method)) throw wrong("method", method, `one of ${methods.join(", ")}`)
  const segments = parsePath(config.path, (allowed) => wrong("path", config.path, allowed))
  const pathParameters = segments.flatMap(({ parameter }) => parameter ?? [])
  if (typeof config.run !== "function") throw wrong("run", config.run, "a function")

  for (const field of ["params", "query", "headers"] as const) {
    if (config[field] !== undefined && !isSchema(config[field])) {
      throw wrong(field, config[field], schemaAllowed)
    }
  }
  for (const field of ["body", "output"] as const) {
    const value: BodySpec | OutputSpec | undefined = config[field]
    const made = field === "body" ? ["bytes", "multipart"] : ["bytes"]
    const isMade = typeof value === "object" && "kind" in value && made.includes(value.kind)
    if (value !== undefined && !isSchema(value) && !isMade) {
      const makers = made.map((kind) => `${kind}()`).join(" or ")
      throw wrong(field, value, `${schemaAllowed}, or made by ${makers}`)
    }
  }
  if (pathParameters.length > 0 && config.params === undefined) {
    throw wrong(
      "params",
      undefined,
      `a schema with ${pathParameters.join(", ")}: the path has them`,
    )
  }
  if (method === "GET" && config.body !== undefined) {
    throw misplaced("body", "with GET, which has none")
  }
  for (const [field, value, min, max] of [
    ["deadlineMs", config.deadlineMs, 1, deadlineMsMax],
    ["bodyBytesMax", config.bodyBytesMax, 0, 2 ** 31 - 1],
    ["cancelGraceMs", config.cancelGraceMs, 0, 60_000],
    ["ownWorkers.count", config.ownWorkers?.count, 1, 1024],
    ["ownWorkers.memoryMiB", config.ownWorkers?.memoryMiB, 16, 1024 * 1024],
  ] as const) {
    if (value !== undefined && !(Number.isInteger(value) && value >= min && value <= max)) {
      throw wrong(field, value, `a whole number from ${min} to ${max}`)
    }
  }
  for (const [field, value, allowed] of [
    ["thread", config.thread, ["worker", "main"]],
    ["validate", config.validate, ["auto", "worker"]],
    ["onDisconnect", config.onDisconnect, ["cancel", "finish"]],
    ["stop", config.stop, ["terminate", "wait"]],
    ["ownWorkers.isolation", config.ownWorkers?.isolation, ["thread", "process"]],
  ] as const) {
    if (value !== undefined && !(allowed as readonly string[]).includes(value)) {
      throw wrong(field, value, `"${allowed.join('" or "')}"`)
    }
  }
  const streams = isGenerator(config.run)
  if (config.thread === "main") {
    for (const [field, why] of [
      ["ownWorkers", "it has no workers"],
      ["setup", "it runs in workers"],
      ["validate", "no worker sees its input"],
      ["cancelGraceMs", "what runs there is never ended"],
      ["stop", "what runs there is never ended"],
    ] as const) {
      if (config[field] !== undefined) throw misplaced(field, `when thread is "main": ${why}`)
    }
    if (streams) throw wrong("run", "a generator", 'a plain function when thread is "main"')
  }
  if (streams && (config.output === undefined || !isSchema(config.output))) {
    throw wrong("output", config.output, "the schema of one item when run is a generator")
  }

  return Object.freeze<Operation>({
    method,
    path: config.path,
    segments,
    params: config.params,
    query: config.query,
    headers: config.headers,
    body: config.body,
    output: config.output,
    thread: config.thread ?? "worker",
    validate: config.validate ?? "auto",
    streams,
    deadlineMs: config.deadlineMs,
    bodyBytesMax: config.bodyBytesMax,
    cost: config.cost as Operation["cost"],
    onDisconnect: config.onDisconnect ?? "cancel",
    cancelGraceMs: config.cancelGraceMs,
    stop: config.stop ?? "terminate",
    ownWorkers: config.ownWorkers && {
      count: config.ownWorkers.count ?? 1,
      memoryMiB: config.ownWorkers.memoryMiB,
      isolation: config.ownWorkers.isolation ?? "thread",
    },
    compress: config.compress ?? false,
    summary: config.summary,
    description: config.description,
    tags: config.tags ?? [],
    examples: config.examples ?? {},
    problems: config.problems ?? {},
    setup: config.setup,
    dispose: config.dispose as Operation["dispose"],
    run: config.run.bind(config) as Operation["run"],
  })
}

const schemaAllowed =
  "a Standard Schema that also gives JSON Schema (Zod 4.2 or later, imported from zod and not from zod/mini, which gives none, ArkType 2.1.28 or later, Valibot through toStandardJsonSchema)"

/** A generator function is known before it runs, so that the documentation can say so. */
function isGenerator(run: unknown): boolean {
  const tag = Object.prototype.toString.call(run)
  return tag === "[object GeneratorFunction]" || tag === "[object AsyncGeneratorFunction]"
}

function show(value: unknown): string {
  return typeof value === "string" ? `"${value}"` : String(value)
}
