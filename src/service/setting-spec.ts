/** What can be said of a setting: its kind, default, range and meaning. */

interface IntegerSpec {
  readonly kind: "integer"
  readonly default: number
  readonly min: number
  readonly max: number
  readonly doc: string
}
interface AutoIntegerSpec {
  readonly kind: "auto-integer"
  readonly default: "auto"
  readonly min: number
  readonly max: number
  readonly doc: string
}
interface ChoiceSpec {
  readonly kind: "choice"
  readonly default: string
  readonly choices: readonly string[]
  readonly doc: string
}
interface TextSpec {
  readonly kind: "text"
  readonly default: string
  readonly doc: string
}
interface ListSpec {
  readonly kind: "list"
  readonly default: readonly string[]
  readonly doc: string
}
export type SettingSpec = IntegerSpec | AutoIntegerSpec | ChoiceSpec | TextSpec | ListSpec

/** What a setting may be, in words. */
export function allowedValues(spec: SettingSpec): string {
  switch (spec.kind) {
    case "integer":
      return `a whole number from ${spec.min} to ${spec.max}`
    case "auto-integer":
      return `"auto" or a whole number from ${spec.min} to ${spec.max}`
    case "choice":
      return `one of ${spec.choices.join(", ")}`
    case "list":
      return "a list, separated by commas"
    case "text":
      return "a text that is not empty"
    default:
      return spec satisfies never
  }
}
