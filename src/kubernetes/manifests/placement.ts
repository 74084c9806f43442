/** Which nodes may take a replica: by labels, taints, and what they have beside CPU and memory. */
import { isKey, isObjectName, labelValue } from "../name.ts"
import { OptionError } from "../option.ts"

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const

/** As Kubernetes has it. Without a key it is of all taints, without an effect of all effects. */
export interface Toleration {
  readonly key?: string
  readonly operator: "Exists" | "Equal"
  readonly value?: string
  readonly effect?: (typeof effects)[number]
}

/**
 * A toleration as taints are written: `KEY`, `KEY:EFFECT`, `KEY=VALUE`, `KEY=VALUE:EFFECT`, or `*`.
 * @throws {OptionError} on anything else.
 */
export function tolerationFrom(text: string, where: string): Toleration {
  const [, key = "", value, effect] = /^([^=:]+)(?:=([^=:]*))?(?::([^:]+))?$/.exec(text) ?? []
  const isEffect = effects.find((each) => each === effect)
  const isTaint =
    (isKey(key) || (key === "*" && value === undefined)) &&
    labelValue(value ?? "") === (value ?? "") &&
    (effect === undefined || isEffect !== undefined)
  if (!isTaint) {
    throw new OptionError(
      `${where} is ${JSON.stringify(text)}; it must be a taint like nvidia.com/gpu, dedicated=models or dedicated=models:NoSchedule, with ${effects.join(", ")} as effects, or * for all.`,
    )
  }
  return {
    ...(key === "*" ? {} : { key }),
    ...(value === undefined ? { operator: "Exists" } : { operator: "Equal", value }),
    ...(isEffect === undefined ? {} : { effect: isEffect }),
  }
}

/** @throws {OptionError} on what is no extended resource, and on what is no number of them. */
export function checkedResource(name: string, count: unknown, where: string): number {
  const [domain = "", ...rest] = name.split("/")
  if (
    !isKey(name) ||
    rest.length === 0 ||
    !isObjectName(domain) ||
    /(^|\.)kubernetes\.io$/.test(domain)
  ) {
    throw new OptionError(
      `${where}: it must be an extended resource, which is called like nvidia.com/gpu. CPU and memory are options of their own: cpu, cpuLimit and memory.`,
    )
  }
  if (typeof count === "number" && Number.isInteger(count) && count >= 1 && count <= 1000)
    return count
  throw new OptionError(
    `${where} is ${JSON.stringify(count) ?? String(count)}; it must be a whole number from 1 to 1000.`,
  )
}

/** What a replica asks of a node beside room. */
export interface Placement {
  readonly nodeSelector: Readonly<Record<string, string>>
  readonly tolerations: readonly Toleration[]
}

/** Labels that a node lacks, as `key=value`. */
export function lackedBy(
  labels: Readonly<Record<string, string>> = {},
  { nodeSelector }: Placement,
): readonly string[] {
  return Object.entries(nodeSelector)
    .filter(([key, value]) => labels[key] !== value)
    .map(([key, value]) => `${key}=${value}`)
}

export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: string
}

/** Taints that keep a replica off. */
export function keptOffBy(
  taints: readonly Taint[] = [],
  { tolerations }: Placement,
): readonly Taint[] {
  return taints.filter(
    (taint) =>
      taint.effect !== "PreferNoSchedule" && !tolerations.some((each) => tolerates(each, taint)),
  )
}

function tolerates({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (key !== undefined && key !== taint.key) return false
  if (effect !== undefined && effect !== taint.effect) return false
  return operator === "Exists" || value === (taint.value ?? "")
}

/** As taints are written, and as a toleration may be. */
export function taintText({ key, value, effect }: Taint): string {
  return `${key}${value === undefined || value === "" ? "" : `=${value}`}:${effect}`
}
