/**
 * Running an operation on the main thread. Its outcome is of the same kind as a worker's, so that
 * nothing behind it can tell the difference. A synchronous `run` is done before anything could stop
 * it; an asynchronous one is given up on at its deadline, or when the client leaves, with its signal
 * aborted. There is no thread to end under it.
 */
import type pino from "pino"
import { makeReply, outcomeOfThrown } from "../answer.ts"
import { withFaults } from "../fault.ts"
import type { Context, Log, Operation, RawInput } from "../operation.ts"
import type { Encoding, Outcome } from "../outcome.ts"
import type { Exchange } from "./exchange.ts"

/** Never rejects. */
export async function runInline(
  exchange: Exchange,
  operation: Operation,
  input: RawInput,
  encoding: Encoding | undefined,
): Promise<Outcome> {
  const context = new InlineContext(exchange)
  try {
    const returned = operation.run(input, context)
    if (!isThenable(returned)) {
      return { kind: "done", reply: await makeReply(operation, returned, encoding) }
    }
    return await untilUnwanted(exchange, operation, context, returned, encoding)
  } catch (thrown) {
    return outcomeOfThrown(thrown)
  }
}

async function untilUnwanted(
  exchange: Exchange,
  operation: Operation,
  context: InlineContext,
  returned: PromiseLike<unknown>,
  encoding: Encoding | undefined,
): Promise<Outcome> {
  const { promise: unwanted, resolve: giveUp } = Promise.withResolvers<Outcome>()
  const stop = (outcome: Outcome): void => {
    context.abort()
    giveUp(outcome)
  }
  const remainingMs = exchange.deadlineAtMs - exchange.surroundings.now()
  const timer = setTimeout(() => stop({ kind: "expired", where: "running" }), remainingMs)
  exchange.runs(operation, () => stop({ kind: "cancelled", where: "running" }))
  const done = async (): Promise<Outcome> => ({
    kind: "done",
    reply: await makeReply(operation, await returned, encoding),
  })
  try {
    return await Promise.race([done(), unwanted])
  } finally {
    clearTimeout(timer)
    exchange.ran()
  }
}

class InlineContext implements Context<undefined> {
  readonly requestId: string
  readonly log: Log
  readonly state = undefined
  readonly #exchange: Exchange
  #controller: AbortController | undefined

  constructor(exchange: Exchange) {
    this.#exchange = exchange
    this.requestId = exchange.requestId
    this.log = new RequestLog(exchange)
  }

  get deadlineAtMs(): number {
    return performance.timeOrigin + this.#exchange.deadlineAtMs
  }

  /** Made when first asked for: most calls never look at it. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  abort(): void {
    this.#controller ??= new AbortController()
    this.#controller.abort(new DOMException("The answer is no longer wanted.", "AbortError"))
  }
}

class RequestLog implements Log {
  readonly #exchange: Exchange

  constructor(exchange: Exchange) {
    this.#exchange = exchange
  }

  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write("debug", message, fields)
  }

  info(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write("info", message, fields)
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write("warn", message, fields)
  }

  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#write("error", message, fields)
  }

  #write(
    level: pino.Level & keyof Log,
    message: string,
    fields: Readonly<Record<string, unknown>> | undefined,
  ): void {
    const { surroundings, requestId, operationName } = this.#exchange
    surroundings.log[level]({ ...withFaults(fields), requestId, operation: operationName }, message)
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === "function"
}
