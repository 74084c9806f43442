/** A flag for every setting, made from the table of settings. */
import { type Command, Option } from "commander"
import type { SettingSpec } from "../service/setting-spec.ts"
import { environmentVariable, flag, type SettingName } from "../service/settings.ts"
import { settingGroups, shownDefault } from "./setting-groups.ts"

/**
 * Adds a flag for every setting, or for those that `isWanted`. Values are passed on as they were
 * typed: what they may be is for the table to say.
 */
export function addSettingFlags(
  command: Command,
  isWanted: (name: SettingName) => boolean = () => true,
): void {
  for (const { heading, settings } of settingGroups()) {
    for (const { name, spec } of settings.filter((setting) => isWanted(setting.name))) {
      // A first line for the facts, see `formatItem` in help.ts.
      const facts = `${shownDefault(spec)}, ${environmentVariable(name)}`
      command.addOption(
        new Option(`${flag(name)} <${valueName(name, spec)}>`, `${facts}\n${spec.doc}`).helpGroup(
          `${heading}:`,
        ),
      )
    }
  }
}

/** The settings given as flags, by setting name. */
export function givenSettings(command: Command): Record<string, string | undefined> {
  const given: Record<string, string | undefined> = {}
  for (const { settings } of settingGroups()) {
    for (const { name } of settings) {
      const option = command.options.find(({ long }) => long === flag(name))
      if (option !== undefined) given[name] = command.getOptionValue(option.attributeName())
    }
  }
  return given
}

function valueName(name: string, spec: SettingSpec): string {
  switch (spec.kind) {
    case "choice":
      return spec.choices.join("|")
    case "list":
      return "a,b,…"
    case "text":
      return "text"
    case "integer":
    case "auto-integer":
      if (name.endsWith("Ms")) return "ms"
      if (name.endsWith("MiB")) return "MiB"
      return name.includes("Bytes") ? "bytes" : "n"
    default:
      return spec satisfies never
  }
}
