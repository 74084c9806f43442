/**
 * A worker's own side, in a thread or in a process: loads the service's module, runs `setup`, then one
 * task after another.
 *
 * It answers each task that it begins with exactly one `outcome`, and runs one at a time. Short ones
 * come some ahead of their turn; the main thread may take those back that have not begun. What a task
 * can't survive (an uncaught error of its own, `process.exit`, out of memory) the worker does not try
 * to: the main thread sees it die and knows what it was doing. What tasks before it have left behind
 * it survives, until it has done the one that it is at (see leftovers.ts).
 */
import { availableParallelism } from "node:os"
import { inspect } from "node:util"
import { isMainThread } from "node:worker_threads"
import { makeItem, makeReply, outcomeOfThrown } from "../answer.ts"
import { toError, toFault, withFaults } from "../fault.ts"
import type { Received } from "../input/received.ts"
import { loadService } from "../module.ts"
import type { Operation, RawInput } from "../operation.ts"
import { type JsonText, streamWindow } from "../outcome.ts"
import { AddonWorks } from "./addon-works.ts"
import { Awake, awakeMsMax } from "./awake.ts"
import { Leftovers } from "./leftovers.ts"
import type { Port } from "./port.ts"
import { watchPrinting } from "./printing.ts"
import { ProcessPort } from "./process-port.ts"
import {
  type FailedSetup,
  type FromWorker,
  faultOfSetup,
  isTuple,
  type LogMessage,
  type OutcomeMessage,
  type RunMessage,
  type ToWorker,
  type WorkerOutcome,
} from "./protocol.ts"
import { Readers } from "./reading.ts"
import { RunContext } from "./run-context.ts"
import { ThreadPort } from "./thread-port.ts"

interface Prepared {
  readonly operation: Operation
  readonly state: unknown
}

// Lowers the priority before anything of the service runs: a thread that a library starts has the
// priority of the thread that starts it, and keeps it. On idle cores a worker starts no later for it,
// and on busy ones the main thread comes first from the beginning.
const port: Port = isMainThread ? await ProcessPort.open() : new ThreadPort()
const { setup, flags } = port

/** The task under way, for the messages that concern it. */
let current: { readonly id: number; readonly context: RunContext; readonly flow: Flow } | undefined

/** Given and not yet looked at. */
const inbox: RunMessage[] = []
let isWorking = false
// A process can't be waited awake in, since nothing shows there that a message has come; and it can be
// ended whatever addons are at.
const awake = new Awake(port.isThread ? availableParallelism() : 1)
const addonWorks = port.isThread ? new AddonWorks(flags) : undefined
const readers = new Readers()
const leftovers = new Leftovers(post, (thrown) => port.fail(thrown))
const failed: FailedSetup[] = []
const prepared = await prepare().catch((thrown: unknown) => port.fail(thrown))
leftovers.watch()
watchPrinting(
  () => leftovers.origin,
  (level, message, { operation, requestId = "" }) =>
    sendLog({ type: "log", requestId, level, message, fields: { operation } }),
)
port.listen(take)
/** CPU time of this worker at the end of its last task; what loading and `setup` took is nobody's. */
let endedAt = port.cpuUsage()
post({ type: "ready", nativeThreadId: port.nativeThreadId, failed })

function take(message: ToWorker): void {
  if (isTuple(message)) {
    inbox.push(message)
    if (!isWorking) void work()
    return
  }
  switch (message.type) {
    case "cancel":
      if (current?.id === message.id) {
        leftovers.continues()
        current.context.abort()
        current.flow.open()
      }
      break
    case "pull":
      if (current?.id === message.id) current.flow.add(message.count)
      break
    case "stop":
      void disposeAll()
        .then(() => addonWorks?.over())
        .finally(() => leftovers.exit())
      break
    case "leave":
      void disposeAll().finally(() => port.close())
      break
    case "exit":
      leftovers.exit()
      break
    default:
      message satisfies never
  }
}

function post(message: FromWorker, transfer?: ArrayBuffer[]): void {
  port.post(message, transfer)
}

/** A line whose fields can't cross (a function, say) must not fail the request that it speaks of. */
function sendLog(message: LogMessage): void {
  try {
    post(message)
  } catch {
    post({ ...message, fields: { fields: inspect(message.fields) } })
  }
}

/**
 * Loads the module and runs each `setup`, as far as they work.
 * @throws when the module can't be loaded, and when a `setup` fails that is required, or all of them.
 */
async function prepare(): Promise<ReadonlyMap<string, Prepared>> {
  const service = await loadService(new URL(setup.moduleUrl))
  const find = (name: string): Operation => {
    const operation = service.operations.get(name)
    if (operation === undefined) throw new Error(`The module no longer has an operation "${name}".`)
    return operation
  }
  const all = new Map<string, Prepared>()
  const sharing = Map.groupBy(setup.operations, (name) => find(name).setup)
  for (const [setUp, operations] of sharing) {
    if (setUp !== undefined) post({ type: "setup", operations })
    try {
      const state = await setUp?.()
      for (const name of operations) all.set(name, { operation: find(name), state })
    } catch (thrown) {
      const fault = faultOfSetup(operations, toFault(thrown))
      failed.push({ operations, fault })
      const isRequired = operations.some((name) => setup.required.includes(name))
      if (isRequired || failed.length === sharing.size) throw toError(fault)
    }
  }
  return all
}

async function disposeAll(): Promise<void> {
  // Operations that share a `setup` share its value, which must be disposed of once.
  const disposals = new Map(
    Array.from(prepared.values(), ({ operation, state }) => [
      operation.setup,
      { operation, state },
    ]),
  )
  for (const { operation, state } of disposals.values()) {
    try {
      await operation.dispose?.(state)
    } catch (thrown) {
      const fields = { error: toFault(thrown) }
      sendLog({ type: "log", requestId: "", level: "error", message: "dispose failed", fields })
    }
  }
}

async function work(): Promise<void> {
  isWorking = true
  for (let message = inbox.shift(); message !== undefined; message = inbox.shift()) {
    if (!port.begin(message)) continue
    const ranMs = await runTask(message)
    if (inbox.length === 0 && awake.shouldWait(ranMs)) waitAwake()
  }
  isWorking = false
}

/** Until something comes into the inbox, for a moment at most. */
function waitAwake(): void {
  const fromMs = performance.now()
  let nowMs = fromMs
  do {
    const received = port.receive()
    if (received !== undefined) take(received)
    nowMs = performance.now()
  } while (inbox.length === 0 && nowMs - fromMs < awakeMsMax)
  awake.waited(nowMs - fromMs, inbox.length > 0)
}

/** @returns how long it took. */
async function runTask(message: RunMessage): Promise<number> {
  const [id, name, path, query, headers, body, requestId, deadlineAtMs, encoding, , unread] =
    message
  const { operation, state } = prepared.get(name)!
  const task = { id, requestId, deadlineAtMs }
  const context = new RunContext(task, state, flags, (level, text, fields) =>
    sendLog({ type: "log", requestId, level, message: text, fields: withFaults(fields) }),
  )
  const flow = new Flow()
  current = { id, context, flow }
  leftovers.begins({ operation: name, requestId })
  const beganAt = port.cpuUsage()
  const beganAtMs = performance.now()
  let outcome: WorkerOutcome | undefined
  let foretoldMs: number | undefined
  try {
    let input: RawInput = { path, query, headers, body }
    if (unread !== undefined) {
      const remainingMs = () => deadlineAtMs - Date.now()
      const read = await readers.read(name, operation, input as Received, unread, remainingMs)
      if ("refused" in read) outcome = read.refused
      else ({ input, foretoldMs } = read)
    }
    if (outcome === undefined) {
      const result = operation.run(input, context)
      const reply = operation.streams
        ? await sendItems(id, operation, result as AsyncIterable<unknown>, context, flow)
        : await makeReply(operation, result instanceof Promise ? await result : result, encoding)
      outcome = { kind: "done", reply }
    }
  } catch (thrown) {
    outcome = outcomeOfThrown(thrown)
  }
  const ranMs = performance.now() - beganAtMs
  const [cpuMsBefore, idleMsBefore] = awake.split(cpuMsBetween(endedAt, beganAt))
  endedAt = port.cpuUsage()
  const [cpuMs, idleMs] = awake.split(cpuMsBetween(beganAt, endedAt))
  current = undefined
  leftovers.ends()
  answer(id, outcome, [ranMs, cpuMs, cpuMsBefore, idleMsBefore + idleMs, foretoldMs])
  return ranMs
}

type Times = readonly [
  ranMs: number,
  cpuMs: number,
  cpuMsBefore: number,
  idleCpuMs: number,
  foretoldMs: number | undefined,
]

/** Bytes go by transfer where they own their memory, else by copy. */
function answer(id: number, outcome: WorkerOutcome, times: Times): void {
  const reply = outcome.kind === "done" ? outcome.reply : undefined
  const told = reply?.kind === "json" ? reply.text : outcome
  const bytes = reply?.kind === "bytes" ? reply.bytes : "problem" in outcome && outcome.problem.json
  const message: OutcomeMessage = [id, told, ...times]
  post(message, typeof bytes === "object" ? [bytes.buffer] : undefined)
}

function cpuMsBetween(from: NodeJS.CpuUsage, to: NodeJS.CpuUsage): number {
  return (to.user - from.user + to.system - from.system) / 1000
}

async function sendItems(
  id: number,
  operation: Operation,
  items: AsyncIterable<unknown> | Iterable<unknown>,
  context: RunContext,
  flow: Flow,
): Promise<{ readonly kind: "empty" }> {
  for await (const item of items) {
    if (context.cancelled) break
    sendItem(id, await makeItem(operation, item))
    await flow.take()
  }
  return { kind: "empty" }
}

function sendItem(id: number, json: JsonText): void {
  post({ type: "item", id, json }, typeof json === "string" ? undefined : [json.buffer])
}

/** How many items the client can still take. */
class Flow {
  #left = streamWindow
  #resume: (() => void) | undefined

  add(count: number): void {
    this.#left += count
    this.#resume?.()
  }

  /** Lets everything through: the task is cancelled and will notice. */
  open(): void {
    this.add(Number.POSITIVE_INFINITY)
  }

  async take(): Promise<void> {
    this.#left -= 1
    if (this.#left > 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#resume = resolve
    await promise
    this.#resume = undefined
  }
}
