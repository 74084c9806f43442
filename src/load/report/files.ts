/** Writes the reports that files were asked for. */
import { writeFile } from "node:fs/promises"
import type { Result } from "../result.ts"
import { failuresCsv, historyCsv, statsCsv } from "./csv.ts"

export interface ReportFiles {
  /** `PREFIX` of `PREFIX_stats.csv` and its two companions. */
  readonly csv?: string | undefined
  readonly json?: string | undefined
}

/** Where they would be written. */
export function reportPaths(asked: ReportFiles): readonly string[] {
  return Array.from(reports(asked), ([path]) => path)
}

/** Writes them all, as far as it can; what could not be written is returned, by file. */
export async function writeReports(
  result: Result,
  asked: ReportFiles,
): Promise<ReadonlyMap<string, Error>> {
  const failed = new Map<string, Error>()
  for (const [path, write] of reports(asked)) {
    await writeFile(path, write(result)).catch((error: Error) => failed.set(path, error))
  }
  return failed
}

type Write = (result: Result) => string

function reports({ csv, json }: ReportFiles): readonly (readonly [path: string, write: Write])[] {
  return [
    ...(csv === undefined
      ? []
      : ([
          [`${csv}_stats.csv`, statsCsv],
          [`${csv}_stats_history.csv`, ({ history }) => historyCsv(history)],
          [`${csv}_failures.csv`, failuresCsv],
        ] satisfies [string, Write][])),
    ...(json === undefined
      ? []
      : ([[json, (result) => `${JSON.stringify(result)}\n`]] satisfies [string, Write][])),
  ]
}
