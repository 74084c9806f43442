/** What a worker's end means for what it was given, and how its end is waited for. */
import { toFault } from "../fault.ts"
import type { Outcome } from "../outcome.ts"
import type { CarrierEnd } from "./carrier.ts"
import { isOutOfMemory } from "./out-of-memory.ts"
import type { LogMessage } from "./protocol.ts"
import type { Task } from "./task.ts"
import type { WorkerExit } from "./worker-contract.ts"

/** Of a task that the worker had begun. @param isUnwanted it was told to stop, or the pool closes */
export function outcomeOfBegun(exit: WorkerExit, isUnwanted: boolean): Outcome {
  if (exit.wanted && isUnwanted) return { kind: "cancelled", where: "running" }
  return { kind: "crashed", how: exit.how, fault: exit.fault }
}

/**
 * A task whose worker died before it began goes back to the head of the queue, once: it was not to
 * blame, unless it is its input that can't even be read in a worker's memory. Buffers that moved to
 * the dead worker are gone with it, so the client has to send them again.
 */
export function fateOfUnbegun(task: Task, exit: WorkerExit, isClosed: boolean): Outcome | "again" {
  const isHead = task.state === "running"
  if (!exit.wanted && isHead && (exit.how === "out-of-memory" || task.wasPutBack)) {
    return { kind: "crashed", how: exit.how, fault: exit.fault }
  }
  if (task.call.transfer.length > 0) {
    return { kind: "shed", reason: "no-workers", retryAfterMs: 1000 }
  }
  return isClosed ? { kind: "expired", where: "queue" } : "again"
}

/** What it died of. Without an end it has not exited. */
export function causeOf(
  error: unknown,
  end: CarrierEnd | undefined,
): Pick<WorkerExit, "how" | "fault"> {
  if (error === undefined) {
    const message = `The worker ${end === undefined ? "does not end" : endOf(end)}.`
    return { how: end?.signal ?? "exit", fault: { message, stack: undefined } }
  }
  return { how: isOutOfMemory(error) ? "out-of-memory" : "uncaught", fault: toFault(error) }
}

function endOf({ code, signal }: CarrierEnd): string {
  if (signal !== undefined) return `was ended by ${signal}${why[signal] ?? ""}`
  return code === undefined ? "could not start" : `exited with code ${code}${meaning(code)}`
}

const invalid = ": native code did what the processor or the kernel does not allow"
/** What most often sends it to a process. */
const why: Partial<Record<NodeJS.Signals, string>> = {
  SIGSEGV: invalid,
  SIGBUS: invalid,
  SIGILL: invalid,
  SIGFPE: invalid,
  SIGABRT: ": native code gave up, and may have said why among what was printed",
  SIGKILL: ", and not by its server: most often the kernel does so when memory has run out",
}

/** Node's own word for a module whose top level never comes to its end; `setup` is awaited there. */
function meaning(code: number): string {
  return code === 13 ? ": it waited for a promise, and nothing was left that could settle it" : ""
}

/** A stall of the whole process, in which the threads stand still as well, takes one of them at most. */
const pieces = 10

/** Waits until `gone` has resolved, for `ms` at most. */
export async function untilGone(gone: Promise<void>, ms: number): Promise<void> {
  let isGone = false
  const noticed = gone.then(() => {
    isGone = true
  })
  for (let piece = 0; piece < pieces && !isGone; piece++) {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms / pieces)
    await Promise.race([noticed, promise])
    clearTimeout(timer)
  }
}

export function disposeCutOff(graceMs: number): LogMessage {
  const message = `dispose was cut off: it took longer than the ${Math.round(graceMs)} ms that were left`
  return { type: "log", requestId: "", level: "warn", message, fields: undefined }
}

export function tooSlow(setupTimeoutMs: number): Error {
  return new Error(
    `The worker was not ready within setupTimeoutMs, which is ${setupTimeoutMs} ms: loading the module and \`setup\` took too long.`,
  )
}
