/**
 * What a load is made of, as it is asked for and as it is run. Everything is checked here, once, and
 * filled with its default, so that nothing behind it sees an optional.
 */
import { LoadError } from "./error.ts"
import type { Arrivals } from "./pace/pacer.ts"
import { constant, lastStageMs, type Profile, ramp } from "./pace/profile.ts"
import { parseStages } from "./pace/stages.ts"
import type { Scenario } from "./scenario/scenario.ts"
import { parseThreshold, type Threshold } from "./threshold.ts"

/** How much load, and for how long. */
export interface Offer {
  /** Closed model: simulated users, 1 to 10 000, each of which waits for its answer. @default 10 */
  readonly users?: number
  /** Users started a second, spread within it. More than 0, up to 10 000. @default all users in 1 s */
  readonly spawnRate?: number
  /** Open model: requests a second, whether or not earlier ones were answered. Up to 100 000. */
  readonly rate?: number
  /** Either model over time: `0:10,1m:200,3m:200` in users, `0:10/s,1m:200/s` in requests. */
  readonly stages?: string
  /** Open model: evenly, or by chance as independent clients come. @default "even" */
  readonly arrivals?: Arrivals
  /** 100 to 604 800 000. @default the end of the stages; without stages, until it is stopped */
  readonly runTimeMs?: number
}

export interface LoadConfig extends Offer {
  /** `http://` or `https://`. A path is put in front of every request's, and a login is sent with it. */
  readonly target: string | URL
  /** @default made from the target's `/openapi.json` */
  readonly scenario?: Scenario
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** How long an answer may take, from when the request was to be sent. 1 to 600 000. @default 60000 */
  readonly timeoutMs?: number
  /** Age at which a connection is replaced, give or take a fifth. 0: never. @default 30000 */
  readonly connectionAgeMs?: number
  /** Requests after which a connection is replaced, give or take a fifth. 0: never. @default 1000 */
  readonly connectionRequestsMax?: number
  /** Certificates are not checked. @default false */
  readonly insecure?: boolean
  /**
   * What the run has to keep: `p99<500ms`, `errors<1%`, `rate>=100/s`. With ` abort` behind it, or
   * ` abort after 30s`, the run ends when it is crossed, after 5 s at the earliest.
   */
  readonly thresholds?: readonly string[]
  /**
   * Threads that send, a core each, 1 to 64. `auto`: one, and more when those have no CPU left, as
   * many as there are cores; half of them when the target is on this machine. Several need a
   * scenario that each can load: from a module or an OpenAPI document. @default "auto"
   */
  readonly workers?: number | "auto"
}

export type ResolvedOffer =
  | { readonly kind: "users"; readonly profile: Profile; readonly runTimeMs: number | undefined }
  | {
      readonly kind: "rate"
      readonly profile: Profile
      readonly arrivals: Arrivals
      readonly runTimeMs: number | undefined
    }

/** A load with nothing left open but its scenario. */
export interface Plan {
  readonly target: URL
  readonly offer: ResolvedOffer
  /** In words: `50 users, 10 started a second`. */
  readonly offerText: string
  readonly headers: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly connectionAgeMs: number
  readonly connectionRequestsMax: number
  readonly insecure: boolean
  readonly thresholds: readonly Threshold[]
  readonly workers: number | "auto"
}

export const defaults = {
  users: 10,
  timeoutMs: 60_000,
  connectionAgeMs: 30_000,
  connectionRequestsMax: 1000,
  insecure: false,
  workers: "auto",
} as const

export const usersMax = 10_000
const rateMax = 100_000
const workersMax = 64

/** @throws {LoadError} naming what is wrong, with its value and range. */
export function resolveLoad(config: LoadConfig): Plan {
  const target = resolveTarget(config.target)
  return {
    target,
    ...resolveOffer(config),
    headers: { ...loginOf(target, config.headers), ...config.headers },
    timeoutMs: within("timeoutMs", config.timeoutMs ?? defaults.timeoutMs, 1, 600_000),
    connectionAgeMs: within(
      "connectionAgeMs",
      config.connectionAgeMs ?? defaults.connectionAgeMs,
      0,
      86_400_000,
    ),
    connectionRequestsMax: within(
      "connectionRequestsMax",
      config.connectionRequestsMax ?? defaults.connectionRequestsMax,
      0,
      1_000_000_000,
    ),
    insecure: config.insecure ?? defaults.insecure,
    thresholds: (config.thresholds ?? []).map(parseThreshold),
    workers: resolveWorkers(config.workers ?? defaults.workers),
  }
}

function resolveWorkers(workers: number | "auto"): Plan["workers"] {
  return workers === "auto" ? workers : wholeWithin("workers", workers, 1, workersMax)
}

/** @throws {LoadError} when it is no http or https URL. */
export function resolveTarget(target: string | URL): URL {
  const url = URL.parse(target)
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new LoadError(
      `The target is "${target}"; it must be a URL that begins with http:// or https://, for example http://localhost:8080.`,
    )
  }
  return url
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** A login that stands in the target's URL is sent as browsers and curl send it (RFC 7617). */
function loginOf({ username, password }: URL, given: LoadConfig["headers"]) {
  const isGiven = Object.keys(given ?? {}).some((name) => name.toLowerCase() === "authorization")
  if (isGiven || (username === "" && password === "")) return {}
  const login = [username, password].map(decoded).join(":")
  return { authorization: `Basic ${Buffer.from(login).toString("base64")}` }
}

/** @throws {LoadError} as {@link resolveLoad}. */
export function resolveOffer(asked: Offer): Pick<Plan, "offer" | "offerText"> {
  const { users, spawnRate, rate, stages, arrivals = "even" } = asked
  const ways = { users, rate, stages }
  const given = Object.entries(ways).filter(([, value]) => value !== undefined)
  if (given.length > 1) {
    const names = given.map(([name]) => name).join(" and ")
    throw new LoadError(`${names} exclude each other: each says how much load there is.`)
  }
  if (spawnRate !== undefined && (rate !== undefined || stages !== undefined)) {
    throw new LoadError("The spawn rate goes with users only.")
  }
  if (arrivals !== "even" && arrivals !== "poisson") {
    throw new LoadError(`arrivals is ${JSON.stringify(arrivals)}; it must be even or poisson.`)
  }
  const staged = stages === undefined ? undefined : parseStages(stages)
  const isRate = rate !== undefined || staged?.of === "rate"
  if (arrivals === "poisson" && !isRate) {
    throw new LoadError("Poisson arrivals go with a rate only: users send when they are answered.")
  }
  const runTimeMs =
    asked.runTimeMs === undefined
      ? staged && lastStageMs(staged.profile)
      : within("runTimeMs", asked.runTimeMs, 100, 604_800_000)

  if (staged !== undefined) {
    const max = isRate ? rateMax : usersMax
    for (const { value } of staged.profile) within("a stage", value, 0, max)
    const offerText = `stages ${stages}`
    return isRate
      ? { offer: { kind: "rate", profile: staged.profile, arrivals, runTimeMs }, offerText }
      : { offer: { kind: "users", profile: staged.profile, runTimeMs }, offerText }
  }
  if (rate !== undefined) {
    const profile = constant(within("rate", rate, 0.001, rateMax))
    const offerText = `${rate} requests a second${arrivals === "poisson" ? ", by Poisson" : ""}`
    return { offer: { kind: "rate", profile, arrivals, runTimeMs }, offerText }
  }
  const count = wholeWithin("users", users ?? defaults.users, 1, usersMax)
  const perSecond = within("spawnRate", spawnRate ?? count, 0.001, usersMax)
  return {
    offer: { kind: "users", profile: ramp(0, count, perSecond), runTimeMs },
    offerText: `${count} users, ${perSecond} started a second`,
  }
}

function wholeWithin(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value)) return within(name, value, min, max)
  throw new LoadError(`${name} is ${value}; it must be a whole number from ${min} to ${max}.`)
}

function within(name: string, value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value
  throw new LoadError(`${name} is ${value}; it must be from ${min} to ${max}.`)
}
