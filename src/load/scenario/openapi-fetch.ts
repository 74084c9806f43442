/** Gets an OpenAPI document, of the target itself or from a file, and makes a scenario of it. */
import { once } from "node:events"
import { createReadStream } from "node:fs"
import type { IncomingMessage } from "node:http"
import { text as textOf } from "node:stream/consumers"
import { bounded } from "../../core/bounded.ts"
import { http } from "../../core/http/builtin.ts"
import { https } from "../../core/http/secure.ts"
import { LoadError } from "../error.ts"
import { type FromOpenApi, scenarioFromOpenApi } from "./openapi.ts"
import type { Scenario } from "./scenario.ts"

export interface Made {
  readonly scenario: Scenario
  /** What was left out and why, a sentence each. */
  readonly notes: readonly string[]
}

const patienceMs = 10_000
/** Many times as much as the largest documents that are published. */
const bytesMax = 64 * 2 ** 20
const instead = "Write a scenario instead: docs/load.md shows one in six lines."

/**
 * @param insecure certificates are not checked.
 * @throws {LoadError} saying what is there instead, and what to do.
 */
export async function fetchScenario(
  target: URL,
  headers: Readonly<Record<string, string>> = {},
  insecure = false,
): Promise<Made> {
  const url = new URL(`${target.pathname.replace(/\/$/, "")}/openapi.json`, target)
  let document: unknown
  try {
    const { status, text } = await get(url, headers, insecure)
    if (status !== 200) throw new LoadError(`${url} answers ${status}. ${instead}`)
    document = JSON.parse(text)
  } catch (error) {
    throw unread(url, error)
  }
  return made(document, String(url))
}

/**
 * @param path of a document in JSON or YAML.
 * @throws {LoadError} when it can't be read, is none, or has nothing that can be sent.
 */
export async function readScenario(path: string): Promise<Made> {
  let text: string
  try {
    const tooMuch = () => new LoadError(`${path} has more than ${bytesMax} bytes.`)
    text = await textOf(bounded(createReadStream(path), bytesMax, tooMuch))
  } catch (error) {
    if (error instanceof LoadError) throw error
    throw new LoadError(`${path} can't be read (${(error as NodeJS.ErrnoException).code}).`)
  }
  return made(await parsed(text, path), path)
}

function unread(url: URL, error: unknown): LoadError {
  if (error instanceof LoadError) return error
  if (error instanceof SyntaxError) {
    return new LoadError(`What ${url} answers is not JSON. ${instead}`)
  }
  const { code, message } = error as NodeJS.ErrnoException
  const why = code ?? message
  const advice = /CERT|SIGNED|TLS|SSL|UNABLE_TO_/.test(why)
    ? "With --insecure its certificate is not checked."
    : "Is the target running?"
  return new LoadError(`${url} can't be read (${why}). ${advice}`, { cause: error })
}

/** Not by `fetch`, which checks every certificate. */
async function get(
  url: URL,
  headers: Readonly<Record<string, string>>,
  insecure: boolean,
): Promise<{ readonly status: number; readonly text: string }> {
  const signal = AbortSignal.timeout(patienceMs)
  const options = { agent: false, headers, signal } as const
  const request =
    url.protocol === "https:"
      ? https.get(url, { ...options, rejectUnauthorized: !insecure })
      : http.get(url, options)
  const [response] = (await once(request, "response")) as [IncomingMessage]
  const tooMuch = () => new LoadError(`${url} answers with more than ${bytesMax} bytes. ${instead}`)
  return {
    status: response.statusCode ?? 0,
    text: await textOf(bounded(response, bytesMax, tooMuch)),
  }
}

async function parsed(text: string, path: string): Promise<unknown> {
  try {
    return JSON.parse(text)
  } catch {
    // YAML is asked for seldom, and its parser is large.
    const { parse } = await import("yaml")
    try {
      // The parser takes the square of the time to compare keys, and to show where mistakes are.
      return parse(text, { uniqueKeys: false, prettyErrors: false, logLevel: "error" })
    } catch (error) {
      throw new LoadError(`${path} is neither JSON nor YAML: ${whyNot(error, text)}`)
    }
  }
}

function whyNot(error: unknown, text: string): string {
  const { message, code, pos } = error as Error & {
    readonly code?: string
    readonly pos?: readonly [number, number]
  }
  if (error instanceof RangeError || code === "RESOURCE_EXHAUSTION")
    return "it is nested too deeply"
  if (pos === undefined) return message
  return `${message} in line ${text.slice(0, pos[0]).split("\n").length}`
}

/** What others have written may have anything anywhere. */
function understood(document: unknown, from: string): FromOpenApi {
  try {
    return scenarioFromOpenApi(document)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new LoadError(`${from} is no OpenAPI document that can be understood: ${why}. ${instead}`)
  }
}

function made(document: unknown, from: string): Made {
  const isDocument = typeof document === "object" && document !== null && "paths" in document
  if (!isDocument)
    throw new LoadError(`${from} is no OpenAPI document: it has no paths. ${instead}`)
  const { scenario, notes } = understood(document, from)
  if (scenario !== undefined) return { scenario, notes }
  throw new LoadError([`${from} has no operation that can be sent.`, ...notes, instead].join(" "))
}
