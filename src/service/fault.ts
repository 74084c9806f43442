import type { Fault } from "./outcome.ts"

/** What a log should say of something thrown, an error or not. */
export function toFault(thrown: unknown): Fault {
  const { message, stack, cause } = (thrown ?? {}) as Partial<Error>
  if (typeof message !== "string") return { message: `thrown: ${String(thrown)}`, stack: undefined }
  const because = cause instanceof Error ? `\ncaused by ${cause.stack}` : ""
  return { message, stack: stack === undefined ? undefined : stack + because }
}

/** An error again, for whoever throws or hands on a fault. */
export function toError({ message, stack }: Fault): Error {
  const error = new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}
