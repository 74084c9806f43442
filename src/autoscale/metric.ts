/** One metric with its target, in one shape whatever its source. Made from a valid spec. */
import { parseQuantity, toMilli } from "./quantity.ts"
import type {
  MetricIdentifier,
  MetricSpec,
  MetricType,
  ObjectSource,
  Quantity,
  ResourceSource,
  TargetSpec,
} from "./spec.ts"

export interface Metric {
  readonly type: MetricType
  /** `cpu`, `memory`, or the metric's own name. */
  readonly name: string
  /** Of a ContainerResource. */
  readonly container: string | undefined
  readonly target: Target
  /** As upstream's events call it. */
  readonly upstreamName: string
}

export type Target = UtilizationTarget | AmountTarget

/** Percent of what the pods request. */
export interface UtilizationTarget {
  readonly kind: "utilization"
  readonly percent: number
}

/** Thousandths: for each replica, or for all of them together. */
export interface AmountTarget {
  readonly kind: "average" | "total"
  readonly milli: number
}

export function resolveMetric(spec: MetricSpec): Metric {
  const { type } = spec
  switch (type) {
    case "Resource":
      return { type, container: undefined, ...resource(spec.resource, "") }
    case "ContainerResource": {
      const { container } = spec.containerResource
      return { type, container, ...resource(spec.containerResource, " container") }
    }
    case "Pods": {
      const { metric, target } = spec.pods
      const upstreamName = `pods metric ${metric.name}`
      return { type, ...named(metric), target: resolveTarget(target), upstreamName }
    }
    case "Object": {
      const { metric } = spec.object
      const target = objectTarget(spec.object)
      const { kind } = spec.object.describedObject
      const upstreamName =
        target.kind === "total" ? `${kind} metric ${metric.name}` : external(metric)
      return { type, ...named(metric), target, upstreamName }
    }
    case "External": {
      const { metric, target } = spec.external
      return {
        ...{ type, ...named(metric) },
        target: resolveTarget(target),
        upstreamName: external(metric),
      }
    }
    default:
      throw type satisfies never
  }
}

function resource(
  { name, target }: ResourceSource,
  of: string,
): Pick<Metric, "name" | "target" | "upstreamName"> {
  const resolved = resolveTarget(target)
  const upstreamName =
    resolved.kind === "utilization"
      ? `${name}${of} resource utilization (percentage of request)`
      : `${name} resource`
  return { name, target: resolved, upstreamName }
}

function named({ name }: MetricIdentifier): Pick<Metric, "name" | "container"> {
  return { name, container: undefined }
}

/** Upstream prints the selector as Go does; what has none is named exactly. */
function external({ name, selector }: MetricIdentifier): string {
  return `external metric ${name}(${selector === undefined ? "nil" : JSON.stringify(selector)})`
}

/** What is set decides, and `type` says no more than that. */
function resolveTarget({ averageValue, averageUtilization, value }: TargetSpec): Target {
  if (averageValue !== undefined) return amount("average", averageValue)
  if (averageUtilization !== undefined) {
    return { kind: "utilization", percent: averageUtilization }
  }
  return amount("total", value!)
}

/** An Object may have both values, so here `type` decides. */
function objectTarget({ target: { type, value, averageValue } }: ObjectSource): AmountTarget {
  return type === "Value" ? amount("total", value!) : amount("average", averageValue!)
}

function amount(kind: AmountTarget["kind"], quantity: Quantity): AmountTarget {
  return { kind, milli: toMilli(parseQuantity(quantity)!) }
}
