/** What can be taken away of a run, while it runs and after. */
import { exceptionsCsv, failuresCsv, historyCsv, statsCsv } from "../report/csv.ts"
import { htmlReport } from "../report/html.ts"
import type { Result } from "../result.ts"

interface Download {
  readonly contentType: string
  readonly write: (result: Result) => string | Promise<string>
}

const csv = "text/csv; charset=utf-8"

const downloads: Readonly<Record<string, Download>> = {
  "report.html": {
    contentType: "text/html; charset=utf-8",
    write: (result) => htmlReport(result),
  },
  "stats.csv": { contentType: csv, write: statsCsv },
  "stats_history.csv": { contentType: csv, write: ({ history }) => historyCsv(history) },
  "failures.csv": { contentType: csv, write: failuresCsv },
  "exceptions.csv": { contentType: csv, write: exceptionsCsv },
  "result.json": {
    contentType: "application/json; charset=utf-8",
    write: (result) => JSON.stringify(result),
  },
}

/** The file of this name; `undefined` when there is none. */
export function download(name: string): Download | undefined {
  return Object.hasOwn(downloads, name) ? downloads[name] : undefined
}
