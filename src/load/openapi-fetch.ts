/** Gets the OpenAPI document of a target and makes a scenario of it. */
import { LoadError } from "./error.ts"
import { scenarioFromOpenApi } from "./openapi.ts"
import type { Scenario } from "./scenario.ts"

const patienceMs = 10_000

/** @throws {LoadError} saying what is there instead, and what to do. */
export async function fetchScenario(
  target: URL,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly scenario: Scenario; readonly notes: readonly string[] }> {
  const url = new URL(`${target.pathname.replace(/\/$/, "")}/openapi.json`, target)
  const instead = "Write a scenario instead: docs/load.md shows one in six lines."
  let document: unknown
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(patienceMs) })
    if (!response.ok) {
      await response.body?.cancel()
      throw new LoadError(`${url} answers ${response.status}. ${instead}`)
    }
    document = await response.json()
  } catch (error) {
    if (error instanceof LoadError) throw error
    if (error instanceof SyntaxError) {
      throw new LoadError(`What ${url} answers is not JSON. ${instead}`)
    }
    const { cause, message } = error as Error
    const why =
      cause instanceof Error ? (cause as NodeJS.ErrnoException).code || cause.message : message
    throw new LoadError(`${url} can't be read (${why}). Is the target running?`, { cause: error })
  }
  const { scenario, notes } = scenarioFromOpenApi(document)
  if (scenario === undefined) {
    throw new LoadError([`${url} has no operation that can be sent.`, ...notes, instead].join(" "))
  }
  return { scenario, notes }
}
