/** What a replica of `capstan up` is told with its start, and what it makes of it. */
import { resolveSettings, type SettingSources } from "../../service/settings.ts"

export interface Boot {
  readonly moduleUrl: string
  /** The settings given as flags, by setting name. */
  readonly flags: Readonly<Record<string, string | undefined>>
  /** Worker threads, unless a flag or a variable says otherwise. */
  readonly workers: number
}

/**
 * Where its settings come from. Host and ports as others know them are the balancer's. That tells of each
 * request whom it had it from, and is one more proxy in front.
 * @throws {SettingError}
 */
export function inReplica(sources: SettingSources): SettingSources {
  const { trustedProxies } = resolveSettings(sources)
  const replicaPlace = {
    host: "127.0.0.1",
    port: "0",
    managementHost: "127.0.0.1",
    managementPort: "0",
    trustedProxies: String(trustedProxies + 1),
  }
  return { ...sources, flags: { ...sources.flags, ...replicaPlace } }
}
