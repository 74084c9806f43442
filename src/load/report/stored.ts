/** A result as it lies in a file: what `--json` wrote, and what `--compare` reads. */
import { readFile } from "node:fs/promises"
import { LoadError } from "../error.ts"
import type { Result } from "../result.ts"

/** What `JSON.parse(JSON.stringify(value))` gives: histograms have become their buckets. */
type Stored<T> = T extends { toJSON(): infer Json }
  ? Json
  : T extends object
    ? { readonly [Key in keyof T]: Stored<T[Key]> }
    : T

export type StoredResult = Stored<Result>
export type StoredRow = StoredResult["total"]
/** The upper end of each bucket in microseconds, ascending, and how many values it holds. */
export type Buckets = StoredRow["latencyHistogram"]

/** The only one there has been. */
const format: Result["format"] = "capstan-load-1"

export function stored(result: Result): StoredResult {
  return JSON.parse(JSON.stringify(result))
}

/**
 * Reads what `--json` wrote.
 * @throws {LoadError} when it can't be read, is something else, or of another format.
 */
export async function readResult(path: string): Promise<StoredResult> {
  let text: string
  try {
    text = await readFile(path, "utf8")
  } catch (error) {
    throw new LoadError(`${path} can't be read (${(error as NodeJS.ErrnoException).code}).`)
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new LoadError(`${path} is not JSON. Give the file that --json wrote of an earlier run.`)
  }
  const trouble = troubleIn(parsed)
  if (trouble !== undefined) throw new LoadError(`${path} ${trouble}`)
  return parsed as StoredResult
}

/** Why it is no result of this format; `undefined` when it is one, as far as a reader relies on it. */
function troubleIn(parsed: unknown): string | undefined {
  if (
    !isObject(parsed) ||
    typeof parsed.format !== "string" ||
    !/^capstan-load-/.test(parsed.format)
  ) {
    return "is not a result of capstan load. Give the file that --json wrote of an earlier run."
  }
  if (parsed.format !== format) {
    return `is of the format ${JSON.stringify(parsed.format)}, which another version of Capstan wrote; this one reads "${format}". Run the earlier load again with this version.`
  }
  const { total, rows, history } = parsed
  const isWhole =
    [parsed.scenario, parsed.target, parsed.offered, parsed.startedAt].every(
      (text) => typeof text === "string",
    ) &&
    isRow(total) &&
    Array.isArray(rows) &&
    rows.every(isRow) &&
    Array.isArray(history) &&
    history.every((point) => isObject(point) && isObject(point.total)) &&
    isObject(parsed.generator)
  return isWhole ? undefined : `says that it is "${format}", but parts of it are missing.`
}

function isRow(row: unknown): boolean {
  return (
    isObject(row) &&
    isObject(row.latency) &&
    typeof row.requests === "number" &&
    typeof row.failures === "number" &&
    Array.isArray(row.latencyHistogram)
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
