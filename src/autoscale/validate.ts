/**
 * Refuses what the API server refuses, with the same bounds, so that a spec that is tried here can
 * be deployed there.
 *
 * Stricter in one thing: an Object metric needs the value that its target's `type` names. The API
 * server lets it pass, and then no sync ever succeeds. More lenient in names: that of a metric or a
 * container only must not be empty.
 *
 * Upstream: pkg/apis/autoscaling/validation/validation.go.
 */
import { parseQuantity, toMilli } from "./quantity.ts"
import type {
  AutoscalerSpec,
  MetricSpec,
  ObjectSource,
  PodsSource,
  PolicySpec,
  Quantity,
  ResourceSource,
  RulesSpec,
  TargetSpec,
} from "./spec.ts"

/** Of a 32-bit integer. */
const int32Max = 2_147_483_647

/** A spec that can't be. Says which field, what it is, what it may be. */
export class SpecError extends Error {
  override readonly name = "SpecError"
}

/** @throws {SpecError} for the first field that is wrong. */
export function validate(spec: AutoscalerSpec): void {
  const { minReplicas = 1, maxReplicas, metrics = [], behavior = {} } = spec
  whole("minReplicas", minReplicas, 0, int32Max)
  whole("maxReplicas", maxReplicas, 1, int32Max)
  if (minReplicas > maxReplicas) {
    throw new SpecError(
      `minReplicas is ${minReplicas}; it must not be above maxReplicas, ${maxReplicas}.`,
    )
  }
  for (const [i, metric] of metrics.entries()) validateMetric(`metrics[${i}]`, metric)
  const fromZero = metrics.some(({ type }) => type === "Object" || type === "External")
  if (minReplicas === 0 && !fromZero) {
    throw new SpecError(
      "minReplicas is 0; that needs a metric of type Object or External, since pods that are not " +
        "there report nothing.",
    )
  }
  validateRules("behavior.scaleUp", behavior.scaleUp)
  validateRules("behavior.scaleDown", behavior.scaleDown)
}

function validateMetric(path: string, metric: MetricSpec): void {
  const { type } = metric
  switch (type) {
    case "Resource":
      validateResource(`${path}.resource`, metric.resource)
      break
    case "ContainerResource":
      validateResource(`${path}.containerResource`, metric.containerResource)
      filled(`${path}.containerResource.container`, metric.containerResource.container)
      break
    case "Pods":
      validateNamed(`${path}.pods`, metric.pods)
      filled(`${path}.pods.target.averageValue`, metric.pods.target.averageValue)
      break
    case "Object":
      validateNamed(`${path}.object`, metric.object)
      validateObject(`${path}.object`, metric.object)
      break
    case "External":
      validateNamed(`${path}.external`, metric.external)
      exactlyOne(`${path}.external.target`, metric.external.target, "averageValue", "value")
      break
    default:
      oneOf(`${path}.type`, type satisfies never, metricTypes)
  }
}

const metricTypes = ["Resource", "ContainerResource", "Pods", "Object", "External"]

function validateResource(path: string, source: ResourceSource): void {
  filled(path, source)
  filled(`${path}.name`, source.name)
  validateTarget(`${path}.target`, source.target)
  exactlyOne(`${path}.target`, source.target, "averageUtilization", "averageValue")
}

function validateNamed(path: string, source: PodsSource): void {
  filled(path, source)
  filled(`${path}.metric.name`, source.metric?.name)
  validateTarget(`${path}.target`, source.target)
}

function validateObject(path: string, { describedObject, target }: ObjectSource): void {
  filled(`${path}.describedObject.kind`, describedObject?.kind)
  filled(`${path}.describedObject.name`, describedObject?.name)
  oneOf(`${path}.target.type`, target.type, ["Value", "AverageValue"])
  if (target.type === "Value") filled(`${path}.target.value`, target.value)
  else filled(`${path}.target.averageValue`, target.averageValue)
}

function validateTarget(path: string, target: TargetSpec): void {
  filled(path, target)
  oneOf(`${path}.type`, target.type, ["Utilization", "AverageValue", "Value"])
  const { averageUtilization, averageValue, value } = target
  if (averageUtilization !== undefined) {
    whole(`${path}.averageUtilization`, averageUtilization, 1, int32Max)
  }
  if (averageValue !== undefined) positive(`${path}.averageValue`, averageValue)
  if (value !== undefined) positive(`${path}.value`, value)
}

function validateRules(path: string, rules: RulesSpec = {}): void {
  const { stabilizationWindowSeconds = 0, selectPolicy = "Max", policies, tolerance = 0 } = rules
  whole(`${path}.stabilizationWindowSeconds`, stabilizationWindowSeconds, 0, 3600)
  oneOf(`${path}.selectPolicy`, selectPolicy, ["Max", "Min", "Disabled"])
  if (policies?.length === 0) {
    throw new SpecError(`${path}.policies is empty; leave it out, or give at least one policy.`)
  }
  for (const [i, policy] of policies?.entries() ?? []) {
    validatePolicy(`${path}.policies[${i}]`, policy)
  }
  if (milli(`${path}.tolerance`, tolerance) < 0) {
    throw new SpecError(`${path}.tolerance is ${tolerance}; it must not be below 0.`)
  }
}

function validatePolicy(path: string, { type, value, periodSeconds }: PolicySpec): void {
  oneOf(`${path}.type`, type, ["Pods", "Percent"])
  whole(`${path}.value`, value, 1, int32Max)
  whole(`${path}.periodSeconds`, periodSeconds, 1, 1800)
}

function whole(path: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return
  throw new SpecError(`${path} is ${value}; it must be a whole number from ${min} to ${max}.`)
}

function positive(path: string, quantity: Quantity): void {
  if (milli(path, quantity) > 0) return
  throw new SpecError(`${path} is ${quantity}; it must be above 0.`)
}

function milli(path: string, quantity: Quantity): number {
  const nano = parseQuantity(quantity)
  if (nano === undefined) {
    throw new SpecError(
      `${path} is ${JSON.stringify(quantity)}; it must be a quantity like 0.5, "500m" or "2Gi".`,
    )
  }
  const value = toMilli(nano)
  if (Number.isSafeInteger(value)) return value
  throw new SpecError(`${path} is ${quantity}; it must be below 9 × 10¹².`)
}

function filled(path: string, value: unknown): void {
  if (value !== undefined && value !== null && value !== "") return
  throw new SpecError(`${path} is missing; it must be set.`)
}

function oneOf(path: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return
  throw new SpecError(`${path} is ${JSON.stringify(value)}; it must be ${allowed.join(" or ")}.`)
}

function exactlyOne(
  path: string,
  target: TargetSpec,
  one: keyof TargetSpec,
  other: keyof TargetSpec,
): void {
  if ((target[one] === undefined) !== (target[other] === undefined)) return
  const has = target[one] === undefined ? `neither ${one} nor` : `both ${one} and`
  throw new SpecError(`${path} has ${has} ${other}; it must have one of them.`)
}
