/** What the log says of workers, and what they say in it. */
import type { Logger } from "pino"
import type { PoolEvents } from "./pool/contract.ts"

type Told = "workerDied" | "workerOutgrown" | "workerStuck" | "setupFailed" | "leftover" | "log"

/** @param workers whose they are. */
export function workerLog(log: Logger, workers: string): Required<Pick<PoolEvents, Told>> {
  return {
    workerDied: (fault, how, retryInMs) =>
      log.error(
        { workers, how, retryInMs: Math.round(retryInMs), err: fault },
        retryInMs > 0
          ? "A worker could not start; trying again after a pause"
          : "A worker died and is being replaced",
      ),
    workerStuck: (call, isReplaced) =>
      log.warn(
        { workers, operation: call?.name, requestId: call?.requestId },
        isReplaced
          ? "A worker does not end: it is in native code that does not return. Another takes its place"
          : "A worker does not end: it is in native code that does not return. There are too many of them to replace it",
      ),
    workerOutgrown: (why) =>
      log.warn(
        { workers, why },
        "What calls have left in a worker's memory has outgrown it; it is replaced",
      ),
    setupFailed: ({ operations, fault }, retryInMs) =>
      log.error(
        { workers, operations, retryInMs: Math.round(retryInMs), err: fault },
        `${fault.message}; calls are refused until it works, which is tried again after a pause`,
      ),
    leftover: ({ operation, requestId, fault }) =>
      log.error(
        { workers, operation, requestId, err: fault },
        operation === undefined
          ? "Something failed that the module or `setup` had started; its worker is replaced"
          : "Something failed that a call had left behind, which had ended; its worker is replaced",
      ),
    log: ({ requestId, level, message, fields }) => log[level]({ ...fields, requestId }, message),
  }
}
