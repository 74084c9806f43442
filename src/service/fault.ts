/**
 * What a log says of something thrown. The reason is often not in the error itself but in its cause, in
 * one of several errors that it stands for, or in a `code`; and what is thrown need not be an error. All
 * of it is told, each part as far as there is room for it: a long one must not push out what is behind
 * it. Other properties are not told, since libraries put whole requests there, secrets included.
 */
import { inspect } from "node:util"
import type { Fault } from "./outcome.ts"

/** Characters of one message, and of one stack behind it. */
const messageMax = 2_000
const stackMax = 4_000
/** Errors within errors that are told, and how many of a list of them. */
const faultsMax = 20
const listedMax = 10

/** What a log should say of something thrown, an error or not. */
export function toFault(thrown: unknown): Fault {
  try {
    if (!isErrorLike(thrown)) {
      return { message: `thrown: ${cut(shown(thrown))}`, stack: undefined }
    }
    const within = withinOf(thrown)
    const hasMore = typeof thrown.stack === "string" || within !== ""
    return {
      message: titleOf(thrown),
      stack: hasMore ? stackOf(thrown) + within : undefined,
    }
  } catch {
    return { message: "thrown: something that fails when it is looked at", stack: undefined }
  }
}

/** An error again, for whoever throws or hands on a fault. */
export function toError({ message, stack }: Fault): Error {
  const error = new Error(message)
  if (stack !== undefined) error.stack = stack
  return error
}

/**
 * Fields as a log can write them. JSON has nothing to say of an error, and a clone that goes to another
 * thread loses half of it, so each becomes what is told of it.
 */
export function withFaults(
  fields: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (fields instanceof Error) return { err: toFault(fields) }
  if (typeof fields !== "object" || fields === null) return fields
  return faultsIn(fields, 0) as Readonly<Record<string, unknown>>
}

/** How deep errors are looked for. */
const depthMax = 4

function faultsIn(value: unknown, depth: number): unknown {
  if (typeof value !== "object" || value === null) return value
  if (value instanceof Error) return toFault(value)
  if (depth > depthMax) return value
  if (Array.isArray(value)) return value.map((item) => faultsIn(item, depth + 1))
  const prototype: unknown = Object.getPrototypeOf(value)
  if ((prototype !== Object.prototype && prototype !== null) || "toJSON" in value) return value
  const entries = Object.entries(value)
  return Object.fromEntries(entries.map(([key, item]) => [key, faultsIn(item, depth + 1)]))
}

/** All that is within an error, one part a paragraph; nothing where there is nothing. */
function withinOf(thrown: unknown): string {
  const seen = new Set<unknown>([thrown])
  const paragraphs: string[] = []
  const visit = (parent: unknown): void => {
    for (const { how, part } of partsOf(parent)) {
      if (seen.has(part)) continue
      if (seen.size > faultsMax) {
        paragraphs.push("and more")
        return
      }
      seen.add(part)
      paragraphs.push(`${how} ${isErrorLike(part) ? stackOf(part) : cut(shown(part))}`)
      visit(part)
    }
  }
  visit(thrown)
  return paragraphs.map((text) => `\n${text}`).join("")
}

interface Part {
  readonly how: string
  readonly part: unknown
}

function partsOf(thrown: unknown): readonly Part[] {
  if (typeof thrown !== "object" || thrown === null) return []
  const { cause, errors, error, suppressed } = thrown as {
    readonly [key in "cause" | "errors" | "error" | "suppressed"]?: unknown
  }
  const parts: Part[] = []
  if (cause !== undefined) parts.push({ how: "caused by", part: cause })
  // Of AggregateError, and of libraries that do as it does.
  if (thrown instanceof Error && Array.isArray(errors)) {
    const some = errors.slice(0, listedMax)
    parts.push(...some.map((part: unknown) => ({ how: "one of its errors:", part })))
    if (errors.length > some.length) {
      parts.push({ how: "and", part: `${errors.length - some.length} more errors` })
    }
  }
  if (thrown instanceof Error && thrown.name === "SuppressedError") {
    parts.push({ how: "first", part: suppressed }, { how: "then", part: error })
  }
  return parts
}

/** A message in which the reason is, as far as one line can have it. */
function titleOf(thrown: Error): string {
  const said = thrown.message === "" ? within(thrown) : thrown.message
  const text = cut(said === "" ? (thrown.name ?? "an error without a message") : said)
  return text + codeOf(thrown, text)
}

/** What an error without a message stands for. */
function within(thrown: Error): string {
  const messages = partsOf(thrown).map(({ part }) =>
    isErrorLike(part) ? part.message : shown(part),
  )
  return messages.filter((message) => message !== "").join("; ")
}

/** The code, where the text does not say it already. */
function codeOf({ code }: Error & { readonly code?: unknown }, text: string): string {
  if ((typeof code !== "string" && typeof code !== "number") || code === "") return ""
  return text.includes(`${code}`) ? "" : ` (code ${cut(`${code}`)})`
}

/** A stack begins with the message, as it was when the error was made. */
function stackOf(error: Error): string {
  const { message, stack = "" } = error
  const at = stack.indexOf("\n    at ")
  const head = at === -1 ? stack : stack.slice(0, at)
  const said = head.includes(message)
    ? head || message
    : `${head === "" ? "" : `${head}: `}${message}`
  const frames = at === -1 ? "" : stack.slice(at)
  const text = cut(said)
  return text + codeOf(error, text) + cut(frames, stackMax)
}

function isErrorLike(thrown: unknown): thrown is Error {
  return typeof (thrown as Partial<Error> | null | undefined)?.message === "string"
}

/** What is no error: a text as it is, and of anything else what it has. */
function shown(thrown: unknown): string {
  if (typeof thrown === "string") return thrown
  return inspect(thrown, { depth: 3, breakLength: Number.POSITIVE_INFINITY, maxStringLength: 500 })
}

function cut(text: string, max = messageMax): string {
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length - max} more characters)`
}
