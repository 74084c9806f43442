/**
 * From what a person writes to what is decided by: defaults filled in as the API server does, units
 * made one (milliseconds, thousandths), the controller's flags merged in, nothing optional left.
 *
 * `behavior` stays `undefined` when it is left out: upstream then takes another path, with other
 * numbers. The defaults below hold only for what is missing inside it.
 *
 * Upstream: pkg/apis/autoscaling/v2/defaults.go; tolerancesForHpa and
 * maybeInitScaleDownStabilizationWindow in horizontal.go.
 */
import { type Metric, resolveMetric } from "./metric.ts"
import { parseQuantity, toFloat } from "./quantity.ts"
import type {
  AutoscalerSpec,
  ControllerFlags,
  MetricSpec,
  PolicySpec,
  Quantity,
  RulesSpec,
} from "./spec.ts"
import { validate } from "./validate.ts"

export interface ResolvedSpec {
  readonly minReplicas: number
  readonly maxReplicas: number
  /** At least one. */
  readonly metrics: readonly Metric[]
  readonly tolerance: Tolerance
  readonly behavior: Behavior | undefined
  /** Used where there is no behavior. */
  readonly downscaleStabilizationMs: number
  readonly readiness: Readiness
}

/** How far the ratio of use to target may be from 1 without anything happening: 0.1 is 10 %. */
export interface Tolerance {
  readonly up: number
  readonly down: number
}

export interface Behavior {
  readonly up: Rules
  readonly down: Rules
}

export interface Rules {
  readonly stabilizationWindowMs: number
  readonly selectPolicy: "Max" | "Min" | "Disabled"
  readonly policies: readonly Policy[]
}

export interface Policy {
  readonly type: PolicySpec["type"]
  readonly value: number
  readonly periodMs: number
}

/** How young pods are told from ready ones, for CPU: `ControllerFlags` says more. */
export interface Readiness {
  readonly cpuInitializationPeriodMs: number
  readonly initialDelayMs: number
}

/** @throws {SpecError} when the API server would refuse the spec: names field, value and range. */
export function resolveSpec(spec: AutoscalerSpec, flags: ControllerFlags = {}): ResolvedSpec {
  validate(spec)
  const { behavior, minReplicas = 1, maxReplicas, metrics = [] } = spec
  const { tolerance = 0.1, downscaleStabilizationSeconds = 300 } = flags
  return {
    minReplicas,
    maxReplicas,
    metrics: (metrics.length > 0 ? metrics : defaultMetrics).map(resolveMetric),
    tolerance: {
      up: resolveTolerance(behavior?.scaleUp, tolerance),
      down: resolveTolerance(behavior?.scaleDown, tolerance),
    },
    behavior: behavior && {
      up: resolveRules(behavior.scaleUp, upPolicies, 0),
      // Of the flag, whole seconds only; all of it where there is no behavior.
      down: resolveRules(
        behavior.scaleDown,
        downPolicies,
        Math.trunc(downscaleStabilizationSeconds),
      ),
    },
    downscaleStabilizationMs: milliseconds(downscaleStabilizationSeconds),
    readiness: resolveReadiness(flags),
  }
}

type ReadinessFlags = Pick<
  ControllerFlags,
  "cpuInitializationPeriodSeconds" | "delayOfInitialReadinessStatusSeconds"
>

export function resolveReadiness({
  cpuInitializationPeriodSeconds = 300,
  delayOfInitialReadinessStatusSeconds = 30,
}: ReadinessFlags): Readiness {
  return {
    cpuInitializationPeriodMs: milliseconds(cpuInitializationPeriodSeconds),
    initialDelayMs: milliseconds(delayOfInitialReadinessStatusSeconds),
  }
}

const defaultMetrics: readonly MetricSpec[] = [
  {
    type: "Resource",
    resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
  },
]
const upPolicies: readonly PolicySpec[] = [
  { type: "Pods", value: 4, periodSeconds: 15 },
  { type: "Percent", value: 100, periodSeconds: 15 },
]
const downPolicies: readonly PolicySpec[] = [{ type: "Percent", value: 100, periodSeconds: 15 }]

function resolveRules(
  rules: RulesSpec = {},
  defaultPolicies: readonly PolicySpec[],
  defaultWindowSeconds: number,
): Rules {
  const { policies = defaultPolicies, selectPolicy = "Max" } = rules
  return {
    stabilizationWindowMs: milliseconds(rules.stabilizationWindowSeconds ?? defaultWindowSeconds),
    selectPolicy,
    policies: policies.map(({ type, value, periodSeconds }) => ({
      ...{ type, value },
      periodMs: milliseconds(periodSeconds),
    })),
  }
}

function resolveTolerance(rules: RulesSpec | undefined, otherwise: number): number {
  const quantity: Quantity | undefined = rules?.tolerance
  return quantity === undefined ? otherwise : toFloat(parseQuantity(quantity)!)
}

function milliseconds(seconds: number): number {
  return Math.round(seconds * 1000)
}
