/** The flags of `capstan load`, as they are typed and as they are meant. */
import type { LoadConfig } from "../load/config.ts"
import { parseDurationMs } from "../load/pace/duration.ts"
import { parseRate } from "../load/pace/rate.ts"
import { Failure } from "./failure.ts"
import { givenHeaders } from "./load-headers.ts"

export const webPortDefault = 8089

/** As Commander gives them. */
export interface LoadFlags {
  readonly users?: string
  readonly spawnRate?: string
  readonly rate?: string
  readonly stages?: string
  readonly arrivals?: "even" | "poisson"
  readonly runTime?: string
  readonly host?: string
  readonly openapi?: string
  readonly header?: readonly string[]
  readonly timeout?: string
  readonly connectionAge?: string
  readonly connectionRequests?: string
  readonly insecure?: true
  readonly workers?: string
  readonly management?: string
  readonly targetMetrics?: readonly string[]
  readonly deployment?: string
  readonly headless?: true
  readonly webPort?: string
  readonly webHost?: string
  readonly threshold?: readonly string[]
  readonly csv?: string
  readonly json?: string
  readonly html?: string
  readonly compare?: string
}

/**
 * The load that they ask for. What range each value has is the load's to say.
 * @throws {Failure} with exit code 2 when one can't be read.
 */
export function givenLoad(flags: LoadFlags): Omit<LoadConfig, "target" | "scenario"> {
  const given = {
    users: number("--users", flags.users),
    spawnRate: number("--spawn-rate", flags.spawnRate),
    rate: flags.rate === undefined ? undefined : rate(flags.rate),
    stages: flags.stages,
    arrivals: flags.arrivals,
    runTimeMs: duration("--run-time", flags.runTime),
    headers: flags.header && givenHeaders(flags.header),
    timeoutMs: duration("--timeout", flags.timeout),
    connectionAgeMs: duration("--connection-age", flags.connectionAge),
    connectionRequestsMax: number("--connection-requests", flags.connectionRequests),
    insecure: flags.insecure,
    thresholds: flags.threshold,
    workers: flags.workers === undefined ? undefined : workers(flags.workers),
  }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

/** @throws {Failure} as {@link givenLoad}. */
export function webPort({ webPort: typed, webHost, headless }: LoadFlags): number {
  if (headless && (typed ?? webHost) !== undefined) {
    const flag = typed === undefined ? "--web-host" : "--web-port"
    throw new Failure(2, `${flag} has no meaning with --headless, which opens no page.`)
  }
  const port = number("--web-port", typed) ?? webPortDefault
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new Failure(2, `--web-port is ${port}; it must be a whole number from 0 to 65535.`)
}

function workers(typed: string): number | "auto" {
  return typed === "auto" ? typed : number("--workers", typed)!
}

function number(flag: string, typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(typed)) return Number(typed)
  throw new Failure(2, `${flag} is ${JSON.stringify(typed)}; it must be a number.`)
}

function rate(typed: string): number {
  const parsed = parseRate(typed)
  if (parsed !== undefined) return parsed
  throw new Failure(
    2,
    `--rate is ${JSON.stringify(typed)}; it must be requests by time, for example 200/s or 600/m.`,
  )
}

function duration(flag: string, typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined
  const parsed = parseDurationMs(typed)
  if (parsed !== undefined) return parsed
  throw new Failure(
    2,
    `${flag} is ${JSON.stringify(typed)}; it must be a duration, for example 500ms, 30s, 5m or 1h30m.`,
  )
}
