/**
 * The one table of settings: name, default, range and meaning. Options in code, environment
 * variables, flags, `--help` and docs/settings.md are all read off it.
 *
 * A setting can be given in code, as an environment variable, and as a flag; the later of these
 * wins. Its variable and flag follow from its name: `queueBytesMax`, `CAPSTAN_QUEUE_BYTES_MAX`,
 * `--queue-bytes-max`.
 */
import { allowedValues, type SettingSpec } from "./setting-spec.ts"

export const settingsTable = {
  host: {
    kind: "text",
    default: "0.0.0.0",
    doc: "Address that the API listens on. `capstan dev` and `capstan up` listen on 127.0.0.1 unless told otherwise.",
  },
  port: {
    kind: "integer",
    default: 8080,
    min: 0,
    max: 65_535,
    doc: "Port of the API, its documentation and its OpenAPI document. 0 takes a free one.",
  },
  managementPort: {
    kind: "integer",
    default: 9090,
    min: 0,
    max: 65_535,
    doc: "Port of /livez, /readyz, /metrics and /demand. 0 takes a free one.",
  },
  managementHost: {
    kind: "text",
    default: "127.0.0.1",
    doc: "Address that the management port listens on: what it tells is nobody else's business. all: every one of the family that host is of, 0.0.0.0 or ::, which images and manifests say, since who probes there is on another machine.",
  },

  workers: {
    kind: "auto-integer",
    default: "auto",
    min: 1,
    max: 1024,
    doc: "Worker threads, so calls computed at once. auto: the CPU quota less a quarter CPU for the main thread, rounded down; without a quota one for each CPU.",
  },
  workerNice: {
    kind: "integer",
    default: 10,
    min: 0,
    max: 19,
    doc: "Scheduling priority of worker threads below the main thread's, as in nice(1). Linux only; elsewhere auto leaves one CPU free instead.",
  },
  workerMemoryMiB: {
    kind: "auto-integer",
    default: "auto",
    min: 16,
    max: 1_048_576,
    doc: "Memory that a worker may use, in MiB: its heap, and what calls hold in Buffers and typed arrays. auto: three quarters of the memory limit shared among the workers, 768 at most. A call that needs more fails alone. No more than the memory limit.",
  },
  workerMemoryLookMs: {
    kind: "integer",
    default: 100,
    min: 10,
    max: 10_000,
    doc: "How often the memory of workers that compute is looked at, in milliseconds; four times as often where one uses more than half of what it may. It costs some 20 µs a worker.",
  },
  spareWorkers: {
    kind: "integer",
    default: 1,
    min: 0,
    max: 16,
    doc: "Booted workers kept ready from the first call on, to replace one that had to be ended. Each costs the memory of an idle worker.",
  },
  setupTimeoutMs: {
    kind: "integer",
    default: 60_000,
    min: 100,
    max: 3_600_000,
    doc: "How long a worker may take to load the module and run `setup`, in milliseconds.",
  },

  queueMax: {
    kind: "integer",
    default: 1000,
    min: 0,
    max: 1_000_000,
    doc: "Requests that may wait for a worker. One more is answered 503 before its body is read. 0: none may wait.",
  },
  queueBytesMax: {
    kind: "auto-integer",
    default: "auto",
    min: 0,
    max: 2 ** 40,
    doc: "Body bytes that may be held by requests that run, wait or are being received. auto: 67108864 (64 MiB), or the largest body that an operation accepts where that is more. At least bodyBytesMax, and that of every operation with a body.",
  },
  deadlineMs: {
    kind: "integer",
    default: 30_000,
    min: 1,
    max: 86_400_000,
    doc: "When an answer stops being useful, in milliseconds from the request's arrival, for operations that do not say it themselves.",
  },
  cancelGraceMs: {
    kind: "integer",
    default: 250,
    min: 0,
    max: 60_000,
    doc: "How long a call may go on after its signal was aborted, in milliseconds. Then its worker is terminated, or retired where it only waits for a native addon. An operation may say its own.",
  },
  bodyBytesMax: {
    kind: "integer",
    default: 1_048_576,
    min: 0,
    max: 2 ** 31 - 1,
    doc: "The largest request body, in bytes, for operations that do not say it themselves. More is answered 413. Where it is left out and queueBytesMax is less, it is that.",
  },

  headersTimeoutMs: {
    kind: "integer",
    default: 10_000,
    min: 100,
    max: 600_000,
    doc: "How long a client may take to send a request's headers.",
  },
  requestTimeoutMs: {
    kind: "integer",
    default: 30_000,
    min: 100,
    max: 3_600_000,
    doc: "How long a client may take to send a whole request, body included. At least headersTimeoutMs.",
  },
  streamHeartbeatMs: {
    kind: "integer",
    default: 15_000,
    min: 0,
    max: 3_600_000,
    doc: "How long a stream of server-sent events may be silent, in milliseconds, before a comment is sent, so that nobody in between takes it for dead. Less than the idle timeouts of the proxies in front. 0: never.",
  },
  keepAliveTimeoutMs: {
    kind: "integer",
    default: 65_000,
    min: 1,
    max: 3_600_000,
    doc: "How long an idle connection is kept. Longer than the idle timeout of the load balancer in front, or it will meet connections that were just closed.",
  },
  connectionsMax: {
    kind: "integer",
    default: 10_000,
    min: 1,
    max: 1_000_000,
    doc: "Open connections of the API port. One address may have them all while nobody else wants any. One more is let in at the expense of an idle one, of the address that has the most of them; where nobody has more than the newcomer, and it has no idle one, it is closed itself. Fewer where the process may not have as many files open, which is said at the start.",
  },
  unreadBytesMax: {
    kind: "auto-integer",
    default: "auto",
    min: 0,
    max: 2 ** 40,
    doc: "Bytes of answers that may be held because clients have not taken them yet. Beyond it, of those from addresses with more than their share, who has taken nothing for longest is cut off; a client that reads slowly is served. auto: 268435456 (256 MiB), or an eighth of the memory limit where that is less.",
  },
  trustedProxies: {
    kind: "integer",
    default: 0,
    min: 0,
    max: 100,
    doc: "How many proxies every request comes through, each of which adds to `X-Forwarded-For` whom it had it from. Clients are told apart by that (in an overload each has its turns), not by the addresses of their connections, which are the proxy's. No more than there are, or clients can say themselves who they are. The balancer of `capstan up` need not be counted.",
  },
  connectionAgeMs: {
    kind: "integer",
    default: 15_000,
    min: 0,
    max: 86_400_000,
    doc: "Age after which a connection is closed behind its next response (`Connection: close`), give or take a fifth, so that clients come to know new replicas. 0: never.",
  },
  connectionRequestsMax: {
    kind: "integer",
    default: 1000,
    min: 0,
    max: 1_000_000_000,
    doc: "Requests after which a connection is closed behind its response, give or take a fifth. 0: never.",
  },

  drainDelayMs: {
    kind: "integer",
    default: 0,
    min: 0,
    max: 600_000,
    doc: "How long to go on accepting connections after SIGTERM, while /readyz already says 503. Leave 0 where a preStop hook waits.",
  },
  drainGraceMs: {
    kind: "integer",
    default: 25_000,
    min: 0,
    max: 3_600_000,
    doc: "How long admitted requests may take to finish after SIGTERM. Then they are cut off.",
  },

  logLevel: {
    kind: "choice",
    default: "info",
    choices: ["debug", "info", "warn", "error", "silent"],
    doc: "The least important line that is logged.",
  },
  logFormat: {
    kind: "choice",
    default: "auto",
    choices: ["auto", "json", "pretty"],
    doc: "auto: pretty in a terminal, JSON lines elsewhere.",
  },
  corsOrigins: {
    kind: "list",
    default: [],
    doc: "Origins that browsers may call the API from, separated by commas; `*` for any. None: CORS is off.",
  },
  docs: {
    kind: "choice",
    default: "on",
    choices: ["on", "off"],
    doc: "Whether /docs and /openapi.json are served.",
  },
} as const satisfies Readonly<Record<string, SettingSpec>>

export type SettingName = keyof typeof settingsTable

type ValueOf<Spec extends SettingSpec> = Spec extends { kind: "integer" }
  ? number
  : Spec extends { kind: "auto-integer" }
    ? number | "auto"
    : Spec extends { kind: "choice"; choices: readonly (infer Choice)[] }
      ? Choice
      : Spec extends { kind: "list" }
        ? readonly string[]
        : string

/** Settings as a user gives them. What they mean stands in docs/settings.md. */
export type Settings = { readonly [Name in SettingName]?: ValueOf<(typeof settingsTable)[Name]> }
/** Settings with every default filled in. */
export type ResolvedSettings = {
  readonly [Name in SettingName]: ValueOf<(typeof settingsTable)[Name]>
}

/** Where raw values come from, the strongest last. */
export interface SettingSources {
  /** In code. */
  readonly options?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string | undefined>>
  /** As strings, by setting name. */
  readonly flags?: Readonly<Record<string, string | undefined>>
}

/** A setting that is not what it may be. The message names setting, value and range. */
export class SettingError extends Error {
  override readonly name = "SettingError"
}

export function environmentVariable(name: string): string {
  return `CAPSTAN_${name.replaceAll(/MiB|[A-Z]+/g, (word) => `_${word}`).toUpperCase()}`
}

export function flag(name: string): string {
  return `--${name.replaceAll(/MiB|[A-Z]+/g, (word) => `-${word.toLowerCase()}`)}`
}

/**
 * Fills in the defaults: options in code, then environment, then flags, each over the one before.
 * @throws {SettingError} on an unknown option, an unknown `CAPSTAN_` variable, a value out of range, or
 * two that contradict each other.
 */
export function resolveSettings(sources: SettingSources = {}): ResolvedSettings {
  const { options = {}, env = {}, flags = {} } = sources
  for (const name of Object.keys(options)) {
    if (!(name in settingsTable)) {
      throw new SettingError(`There is no setting "${name}"; docs/settings.md lists them all.`)
    }
  }
  const variables = new Set(Object.keys(settingsTable).map(environmentVariable))
  for (const variable of Object.keys(env)) {
    const isOurs = variable.startsWith("CAPSTAN_") && !isServiceLink(variable, env[variable])
    if (isOurs && !variables.has(variable)) {
      throw new SettingError(
        `There is no setting for the environment variable ${variable}; docs/settings.md lists them all.`,
      )
    }
  }

  const resolved: Record<string, unknown> = {}
  /** Where each came from that was given. */
  const places: Partial<Record<SettingName, string>> = {}
  for (const [name, spec] of Object.entries<SettingSpec>(settingsTable)) {
    const variable = environmentVariable(name)
    const [given, where] =
      flags[name] !== undefined
        ? [flags[name], flag(name)]
        : env[variable] !== undefined && !isServiceLink(variable, env[variable])
          ? [env[variable], variable]
          : [options[name], name]
    resolved[name] = given === undefined ? spec.default : parse(spec, given, where)
    if (given !== undefined) places[name as SettingName] = where
  }
  const settings = withRoomForBodies(withAddress(resolved as ResolvedSettings), places)
  if (settings.requestTimeoutMs < settings.headersTimeoutMs) {
    throw new SettingError(
      `requestTimeoutMs is ${settings.requestTimeoutMs}; it must be at least headersTimeoutMs, which is ${settings.headersTimeoutMs}.`,
    )
  }
  return settings
}

/** Where a cluster has IPv6 alone, and the API so listens on that, nobody would reach 0.0.0.0. */
function withAddress(settings: ResolvedSettings): ResolvedSettings {
  const { host, managementHost } = settings
  if (managementHost !== "all") return settings
  return { ...settings, managementHost: host.includes(":") ? "::" : "0.0.0.0" }
}

/** A body that may come must be one that can be held; for those of operations, see bounds.ts. */
function withRoomForBodies(
  settings: ResolvedSettings,
  places: Partial<Record<SettingName, string>>,
): ResolvedSettings {
  const { bodyBytesMax, queueBytesMax } = settings
  if (queueBytesMax === "auto" || bodyBytesMax <= queueBytesMax) return settings
  if (places.bodyBytesMax === undefined) return { ...settings, bodyBytesMax: queueBytesMax }
  throw new SettingError(
    `${places.bodyBytesMax} is ${bodyBytesMax}, and ${places.queueBytesMax} is ${queueBytesMax}: there could never be room for such a body. Set ${places.queueBytesMax} to ${bodyBytesMax} or more or leave it out, or set ${places.bodyBytesMax} to ${queueBytesMax} or less.`,
  )
}

/**
 * Kubernetes tells each pod of the Services around it by variables that begin with their names: a
 * Service called capstan gives `CAPSTAN_PORT=tcp://10.0.0.1:80` and `CAPSTAN_SERVICE_HOST`.
 */
function isServiceLink(variable: string, value: string | undefined): boolean {
  return (
    /^(tcp|udp|sctp):\/\//.test(value ?? "") ||
    /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/.test(variable)
  )
}

function parse(spec: SettingSpec, given: unknown, where: string): unknown {
  const value = tryParse(spec, given)
  if (value === undefined) {
    throw new SettingError(
      `${where} is ${JSON.stringify(given)}; it must be ${allowedValues(spec)}.`,
    )
  }
  return value
}

function tryParse(spec: SettingSpec, given: unknown): unknown {
  switch (spec.kind) {
    case "integer":
    case "auto-integer": {
      if (spec.kind === "auto-integer" && given === "auto") return given
      const number =
        typeof given === "string" && /^\d+$/.test(given.trim()) ? Number(given.trim()) : given
      const fits =
        Number.isInteger(number) && Number(number) >= spec.min && Number(number) <= spec.max
      return fits ? number : undefined
    }
    case "choice":
      return spec.choices.includes(given as string) ? given : undefined
    case "list": {
      if (Array.isArray(given))
        return given.every((item) => typeof item === "string") ? given : undefined
      if (typeof given !== "string") return undefined
      return given
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== "")
    }
    case "text":
      return typeof given === "string" && given !== "" ? given : undefined
    default:
      return spec satisfies never
  }
}
