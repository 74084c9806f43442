/**
 * Reads on the worker what the main thread has not: the same way, with the same answer where something
 * is wrong, but under the call's deadline.
 */

import { shed } from "../admission.ts"
import { written } from "../answer.ts"
import { foretell } from "../cost.ts"
import { type InputReader, inputReader } from "../input/reader.ts"
import type { Received } from "../input/received.ts"
import type { Operation, RawInput } from "../operation.ts"
import { isProblem } from "../problem.ts"
import type { Unread, WorkerOutcome } from "./protocol.ts"

/** What reading comes to: an input, or why the call goes no further. */
export type Reading =
  | { readonly input: RawInput; readonly foretoldMs: number | undefined }
  | { readonly refused: WorkerOutcome }

/** The readers of a worker's operations, each made when it is first needed. */
export class Readers {
  readonly #readers = new Map<string, InputReader>()

  /**
   * Reads an input, and asks the operation's `cost` where that has not been done.
   * @param remainingMs until the deadline: what costs more is not begun
   * @throws what a schema or `cost` throws, but for a problem of a schema
   */
  async read(
    name: string,
    operation: Operation,
    received: Received,
    { timeAllowedMs }: Unread,
    remainingMs: () => number,
  ): Promise<Reading> {
    let input: RawInput
    try {
      input = await this.#readerOf(name, operation)(received)
    } catch (thrown) {
      if (isProblem(thrown)) return { refused: { kind: "invalid", problem: written(thrown) } }
      throw thrown
    }
    if (timeAllowedMs === undefined) return { input, foretoldMs: undefined }
    const foretoldMs = foretell(name, operation, input, timeAllowedMs)
    if (typeof foretoldMs === "object") return { refused: foretoldMs }
    if (foretoldMs !== undefined && foretoldMs > remainingMs()) {
      return { refused: shed("deadline", 0) }
    }
    return { input, foretoldMs }
  }

  #readerOf(name: string, operation: Operation): InputReader {
    const reader = this.#readers.get(name) ?? inputReader(name, operation)
    this.#readers.set(name, reader)
    return reader
  }
}
