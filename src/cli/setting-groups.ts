/**
 * The settings as people read about them, in `--help` and in docs/settings.md: in the order of the
 * table, under headings. Everything but the headings is read off the table.
 */
import type { SettingSpec } from "../service/setting-spec.ts"
import { type SettingName, settingsTable } from "../service/settings.ts"

/** A heading stands before the setting named here and holds up to the next one. */
const headings = {
  host: "Where it listens",
  workers: "Workers",
  queueMax: "Admission",
  headersTimeoutMs: "Connections",
  drainDelayMs: "Stopping",
  logLevel: "Logs, browsers and documentation",
} as const satisfies Partial<Record<SettingName, string>>

export interface SettingGroup {
  readonly heading: string
  readonly settings: readonly { readonly name: SettingName; readonly spec: SettingSpec }[]
}

export function settingGroups(): readonly SettingGroup[] {
  const headingBefore: Partial<Record<string, string>> = headings
  const groups: { heading: string; settings: SettingGroup["settings"][number][] }[] = []
  for (const [name, spec] of Object.entries<SettingSpec>(settingsTable)) {
    const heading = headingBefore[name]
    if (heading !== undefined) groups.push({ heading, settings: [] })
    groups.at(-1)?.settings.push({ name: name as SettingName, spec })
  }
  return groups
}

/** The default in words. */
export function shownDefault(spec: SettingSpec): string {
  if (spec.kind !== "list") return String(spec.default)
  return spec.default.length === 0 ? "none" : spec.default.join(",")
}
