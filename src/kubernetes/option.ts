/**
 * What can be said about an image or a deployment, one row an option: what it may be, its default,
 * its meaning, and why the default is what it is. Flags, the configuration file, `--help` and
 * docs/kubernetes.md are all read off such rows, or held to them by a test.
 */
import { isName, isNamespace, isObjectName, nameRule, namespaceRule } from "./name.ts"
import { isCpu, isMemory } from "./quantity.ts"

interface Told {
  readonly doc: string
  /** Why the default is what it is. */
  readonly why: string
}

export type OptionSpec = Told &
  (
    | {
        readonly kind: "integer"
        readonly default: number
        readonly min: number
        readonly max: number
      }
    | {
        readonly kind: "choice"
        readonly default: string | undefined
        readonly choices: readonly string[]
      }
    | { readonly kind: "cpu" | "memory" | "cpu-or-none"; readonly default: string }
    | { readonly kind: "text"; readonly default: string | undefined }
    | {
        readonly kind: "name" | "namespace" | "object" | "gateway" | "host"
        readonly default: undefined
      }
    | {
        readonly kind: "list"
        readonly default: readonly string[]
        readonly choices?: readonly string[]
      }
  )

/** The type that a value of an option has, in the configuration file and once it is resolved. */
export type OptionValue<Spec extends OptionSpec> = Spec extends { kind: "integer" }
  ? number
  : Spec extends { kind: "choice"; choices: readonly (infer Choice)[] }
    ? Choice
    : Spec extends { kind: "list"; choices: readonly (infer Choice)[] }
      ? readonly Choice[]
      : Spec extends { kind: "list" }
        ? readonly string[]
        : string

/** An option that is not what it may be. The message names option, value and range. */
export class OptionError extends Error {
  override readonly name = "OptionError"
}

/** What an option may be, in words. */
export function allowed(spec: OptionSpec): string {
  switch (spec.kind) {
    case "integer":
      return `a whole number from ${spec.min} to ${spec.max}`
    case "choice":
      return `one of ${spec.choices.join(", ")}`
    case "cpu":
      return "CPUs like 500m, 1 or 1.5"
    case "cpu-or-none":
      return '"none", or CPUs like 500m, 1 or 1.5'
    case "memory":
      return "bytes like 512Mi or 2Gi"
    case "name":
      return nameRule
    case "namespace":
      return namespaceRule
    case "object":
      return "the name of an object in the namespace"
    case "gateway":
      return "the name of a Gateway, or namespace/name"
    case "host":
      return "a host name like api.example.com, or *.example.com"
    case "text":
      return "a text without spaces"
    case "list":
      return spec.choices === undefined
        ? "a list of texts without spaces"
        : `a list of ${spec.choices.join(", ")}`
    default:
      return spec satisfies never
  }
}

/** What was typed, as the type that the option has; what can't be that stays a text. */
export function asTyped(spec: OptionSpec, text: string): unknown {
  if (spec.kind === "integer") return /^\d{1,15}$/.test(text) ? Number(text) : text
  return spec.kind === "list" ? text.split(",") : text
}

/** @throws {OptionError} when a value is not what the option may be. `where` is how it is spelt. */
export function checked(spec: OptionSpec, value: unknown, where: string): unknown {
  if (fits(spec, value)) return value
  const shown = JSON.stringify(value) ?? String(value)
  throw new OptionError(`${where} is ${shown}; it must be ${allowed(spec)}.`)
}

function fits(spec: OptionSpec, value: unknown): boolean {
  if (spec.kind === "integer") {
    return Number.isInteger(value) && Number(value) >= spec.min && Number(value) <= spec.max
  }
  if (spec.kind === "list") {
    if (!Array.isArray(value)) return false
    return value.every((each) => isWord(each) && (spec.choices?.includes(each) ?? true))
  }
  if (typeof value !== "string") return false
  switch (spec.kind) {
    case "choice":
      return spec.choices.includes(value)
    case "cpu":
      return isCpu(value)
    case "cpu-or-none":
      return value === "none" || isCpu(value)
    case "memory":
      return isMemory(value)
    case "name":
      return isName(value)
    case "namespace":
      return isNamespace(value)
    case "object":
      return isObjectName(value)
    case "gateway": {
      const [gateway = "", namespace = "default", ...more] = value.split("/").toReversed()
      return more.length === 0 && isObjectName(gateway) && isNamespace(namespace)
    }
    case "host":
      return isObjectName(value.replace(/^\*\./, ""))
    case "text":
      return isWord(value)
    default:
      return spec satisfies never
  }
}

function isWord(value: unknown): value is string {
  return typeof value === "string" && /^\S+$/.test(value)
}
