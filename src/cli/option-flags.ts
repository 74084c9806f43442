/** Flags made from a table of options, and what was given by them. */
import { type Command, Option } from "commander"
import { asTyped, type OptionSpec } from "../kubernetes/option.ts"
import { flag } from "../service/settings.ts"

type Table = Readonly<Record<string, OptionSpec>>

/** @param unsaid what holds for options that have no default in the table. */
export function addOptionFlags(
  command: Command,
  table: Table,
  group: string,
  unsaid: Readonly<Record<string, string>>,
): void {
  for (const [name, spec] of Object.entries(table)) {
    const shown = spec.default === undefined || spec.kind === "list" ? undefined : spec.default
    const description = `${shown ?? unsaid[name] ?? "none"}\n${spec.doc}`
    const option = new Option(`${flag(name)} <${valueName(spec)}>`, description).helpGroup(group)
    command.addOption(spec.kind === "list" ? option.argParser(collected) : option)
  }
}

/** By name, those that were given, as the types that they have. */
export function givenValues(command: Command, table: Table): Record<string, unknown> {
  const all: Readonly<Record<string, unknown>> = command.opts()
  const given = Object.entries(table).map(([name, spec]) => {
    const value = all[name]
    return [name, typeof value === "string" ? asTyped(spec, value) : value] as const
  })
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

/**
 * A flag that may be said several times, each with one value: one that takes several would take the
 * module behind it as well.
 */
export function repeated(flags: string, description: string): Option {
  return new Option(flags, description).argParser(
    (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
  )
}

/** Of a list, several by commas as well. */
function collected(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...value.split(",")]
}

function valueName(spec: OptionSpec): string {
  switch (spec.kind) {
    case "choice":
      return spec.choices.join("|")
    case "integer":
      return "n"
    case "cpu-or-none":
      return "cpu"
    case "list":
      return spec.choices === undefined ? "name" : "a,b"
    case "namespace":
    case "object":
    case "gateway":
      return "name"
    default:
      return spec.kind
  }
}
