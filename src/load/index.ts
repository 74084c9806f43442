/** capstan/load: puts load on a service and measures its answers. Importing this does nothing. */

export type { ExceptionRow } from "./books/exception.ts"
export type { FailureKind, FailureRow } from "./books/failure.ts"
export type { GeneratorReport, ThreadReport } from "./books/generator.ts"
export type { Point } from "./books/history.ts"
export type { Latency, Row } from "./books/stats.ts"
export type { Offer } from "./config.ts"
export { LoadError } from "./error.ts"
export { type LoadOptions, load } from "./load.ts"
export type { Phases, Result, ResultRow, Timed } from "./result.ts"
export { csv, json, type Pick, type Rows, type RowsOptions, rows } from "./scenario/data.ts"
export { type FormFile, file } from "./scenario/form.ts"
export {
  type Answer,
  type CookieJar,
  type RequestOptions,
  type Scenario,
  type ScenarioConfig,
  scenario,
  type User,
  type Wait,
} from "./scenario/scenario.ts"
export type { TargetFigures } from "./target.ts"
export type { Verdict } from "./threshold.ts"
