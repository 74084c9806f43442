/** capstan/load: puts load on a service and measures its answers. Importing this does nothing. */
export type { LoadConfig, Offer } from "./config.ts"
export { LoadError } from "./error.ts"
export type { FailureKind, FailureRow } from "./failure.ts"
export type { GeneratorReport } from "./generator.ts"
export type { Point } from "./history.ts"
export { load } from "./load.ts"
export type { Result, ResultRow } from "./result.ts"
export {
  type Answer,
  type RequestOptions,
  type Scenario,
  type ScenarioConfig,
  scenario,
  type User,
  type Wait,
} from "./scenario.ts"
export type { Latency, Row } from "./stats.ts"
export type { TargetReading } from "./target.ts"
export type { Verdict } from "./threshold.ts"
