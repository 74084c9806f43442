/**
 * Writes the reports that files were asked for. Each by itself: one that can't be written keeps none
 * of the others, and a result that found no place is put where there is one.
 */
import { mkdtemp, open, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Result } from "../result.ts"
import { exceptionsCsv, failuresCsv, historyCsv, statsCsv } from "./csv.ts"
import { type HtmlContext, htmlReport } from "./html.ts"

export interface ReportFiles {
  /** `PREFIX` of `PREFIX_stats.csv` and its three companions. */
  readonly csv?: string | undefined
  readonly json?: string | undefined
  readonly html?: string | undefined
}

export interface Written {
  /** What could not be written, and why. */
  readonly failed: ReadonlyMap<string, Error>
  /** Where the result is as JSON because some report failed; undefined when there was no place. */
  readonly rescued: string | undefined
}

/** Where they will be written. */
export function reportPaths(asked: ReportFiles): readonly string[] {
  return Array.from(reports(asked), ([path]) => path)
}

/** Hours of load must not end with a folder that is not there. Leaves everything as it was. */
export async function unwritable(asked: ReportFiles): Promise<ReadonlyMap<string, Error>> {
  const failed = new Map<string, Error>()
  for (const path of reportPaths(asked)) {
    try {
      const known = await stat(path).catch(() => undefined)
      // A pipe is there to be written, and opening it would be a beginning.
      if (known !== undefined && !known.isFile() && !known.isDirectory()) continue
      await (await open(path, "a")).close()
      if (known === undefined) await rm(path)
    } catch (error) {
      failed.set(path, error as Error)
    }
  }
  return failed
}

/** Writes them all, as far as it can. */
export async function writeReports(
  result: Result,
  asked: ReportFiles,
  context: HtmlContext = {},
): Promise<Written> {
  const failed = new Map<string, Error>()
  for (const [path, write] of reports(asked)) {
    try {
      await writeWhole(path, await write(result, context))
    } catch (error) {
      failed.set(path, error as Error)
    }
  }
  if (failed.size === 0) return { failed, rescued: undefined }
  const isInJson = asked.json !== undefined && !failed.has(asked.json)
  return { failed, rescued: isInJson ? asked.json : await rescue(result) }
}

type Write = (result: Result, context: HtmlContext) => string | Promise<string>

function reports({ csv, json, html }: ReportFiles): readonly (readonly [string, Write])[] {
  const all: readonly (readonly [path: string | undefined, write: Write])[] = [
    // Before the others: it is everything.
    [json, jsonReport],
    [csv && `${csv}_stats.csv`, statsCsv],
    [csv && `${csv}_stats_history.csv`, ({ history }) => historyCsv(history)],
    [csv && `${csv}_failures.csv`, failuresCsv],
    [csv && `${csv}_exceptions.csv`, exceptionsCsv],
    [html, htmlReport],
  ]
  return all.flatMap(([path, write]) => (path === undefined ? [] : [[path, write] as const]))
}

function jsonReport(result: Result): string {
  return `${JSON.stringify(result)}\n`
}

/** All of it or, where the disk is full, none: half a report would be read as a whole one. */
async function writeWhole(path: string, text: string): Promise<void> {
  await using file = await open(path, "w")
  try {
    await file.writeFile(text)
  } catch (error) {
    // Emptied too: some files can't be taken away, such as those that a container was given.
    await file.truncate().catch(() => {})
    if ((await file.stat()).isFile()) await rm(path).catch(() => {})
    throw error
  }
}

/** In the system's folder for what is temporary, by a name that nobody else has. */
async function rescue(result: Result): Promise<string | undefined> {
  try {
    const path = join(await mkdtemp(join(tmpdir(), "capstan-load-")), "result.json")
    await writeFile(path, jsonReport(result))
    return path
  } catch {
    return undefined
  }
}
