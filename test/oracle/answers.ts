/** Our answers to the oracle's cases, in its own format. */
import type { Measured } from "../../src/autoscale/computed.ts"
import type { Decision } from "../../src/autoscale/conclude.ts"
import { decide } from "../../src/autoscale/decide.ts"
import { noMemory } from "../../src/autoscale/memory.ts"
import type { Metric, Target } from "../../src/autoscale/metric.ts"
import type { Observed, Pod } from "../../src/autoscale/observed.ts"
import { type MetricStatus, replicasFor } from "../../src/autoscale/propose.ts"
import { type ResolvedSpec, resolveReadiness, resolveSpec } from "../../src/autoscale/resolve.ts"
import type { AutoscalerSpec } from "../../src/autoscale/spec.ts"
import { SpecError } from "../../src/autoscale/validate.ts"
import { ModelError, syncSeconds } from "../../src/plan/model.ts"
import { type ReplayedSync, replay } from "../../src/plan/replay.ts"
import type {
  AnsweredMetric,
  AnsweredSync,
  CaseMetric,
  CasePod,
  CaseStep,
  ControllerAnswer,
  ControllerCase,
  ReplicasAnswer,
  ReplicasCase,
} from "./cases.ts"

export function answerReplicas(question: ReplicasCase): ReplicasAnswer {
  const { id, currentReplicas, statusReplicas = currentReplicas } = question
  const { tolerance = { up: 0.1, down: 0.1 } } = question
  const metric = metricOf(question.metric)
  const { valuesMilli = [] } = question.metric
  const observed: Observed = {
    replicas: currentReplicas,
    statusReplicas,
    pods: question.pods.map((pod, i) => podOf(pod, i, metric.name, [metric.name], toMs)),
    objectMilli: valuesMilli.length > 0 ? { [metric.name]: valuesMilli[0]! } : {},
    externalMilli: { [metric.name]: valuesMilli },
  }
  const judgement = { tolerance, readiness: resolveReadiness(question) }
  const result = replicasFor(metric, observed, judgement, toMs(question.now))
  if ("error" in result) return { id, replicas: 0, error: result.error }
  const { utilization, averageMilli, totalMilli } = result.measured
  return {
    ...{ id, replicas: result.replicas },
    ...defined({ utilization, usage: averageMilli ?? totalMilli }),
  }
}

export function answerController(question: ControllerCase): ControllerAnswer {
  const { id, output } = question
  let syncs: readonly AnsweredSync[]
  try {
    syncs = question.follow === undefined ? answerSteps(question) : answerFollow(question)
  } catch (error) {
    if (error instanceof SpecError || error instanceof ModelError) {
      return { id, invalid: error.message }
    }
    throw error
  }
  return output === "replicas"
    ? { id, replicas: syncs.map((sync) => sync.replicas) }
    : { id, syncs }
}

function answerSteps({ hpa, flags, ...question }: ControllerCase): readonly AnsweredSync[] {
  const { steps = [], syncTakesMs = 0 } = question
  if (steps.length === 0) throw new SpecError("steps is empty; the case needs at least one.")
  let spec = resolveSpec(hpa, flags)
  let memory = noMemory
  let replicas = question.initialReplicas
  let shown: Required<Omit<CaseStep, `set${string}` | "statusReplicas">> & CaseStep = {
    ...{ pods: [], external: {}, object: {} },
  }
  return steps.map((step, k) => {
    shown = { ...shown, ...step }
    replicas = step.setReplicas ?? replicas
    spec = edit(spec, step)
    const nowMs = k * (syncSeconds * 1000 + syncTakesMs)
    const found = replicas
    const observed: Observed = {
      replicas,
      statusReplicas: shown.statusReplicas ?? replicas,
      pods: shown.pods.map((pod, i) =>
        podOf(pod, i, "cpu", podMetricNames(hpa), (second) => toMs(second) + k * syncTakesMs),
      ),
      objectMilli: shown.object,
      externalMilli: shown.external,
    }
    const decision = decide(observed, spec, memory, nowMs)
    memory = decision.memory
    replicas = decision.replicas
    return syncOf(k * syncSeconds, found, decision)
  })
}

function edit(spec: ResolvedSpec, { setMinReplicas, setMaxReplicas }: CaseStep): ResolvedSpec {
  const { minReplicas, maxReplicas } = spec
  return {
    ...spec,
    minReplicas: setMinReplicas ?? minReplicas,
    maxReplicas: setMaxReplicas ?? maxReplicas,
  }
}

function podMetricNames({ metrics = [] }: AutoscalerSpec): readonly string[] {
  return metrics.flatMap((metric) => (metric.type === "Pods" ? metric.pods.metric.name : []))
}

function answerFollow({ hpa, flags, ...question }: ControllerCase): readonly AnsweredSync[] {
  const { follow, initialReplicas, syncTakesMs = 0 } = question
  const syncs = replay(follow!, resolveSpec(hpa, flags), { initialReplicas, syncTakesMs })
  return Array.from(syncs, ({ second, replicas, decision, seen }: ReplayedSync) => ({
    ...syncOf(second, replicas, decision),
    seen,
  }))
}

function syncOf(t: number, currentReplicas: number, decision: Decision): AnsweredSync {
  const { replicas, memory, conditions, metrics, events, error } = decision
  return {
    ...{ t, currentReplicas, desiredReplicas: memory.desiredReplicas, replicas },
    conditions: conditions.map(({ type, status, reason }) => [type, status, reason]),
    ...(metrics.length > 0 && { metrics: metrics.map(metricStatusOf) }),
    ...(events.length > 0 && {
      events: events.map(({ type, reason, message }) => [type, reason, message] as const),
    }),
    ...defined({ error }),
  }
}

function metricStatusOf(status: MetricStatus): AnsweredMetric {
  if (status.error !== undefined) return { type: "" }
  const { type, utilization, averageMilli, totalMilli }: MetricStatus & Measured = status
  return {
    type,
    ...defined({ utilization, averageValueMilli: averageMilli, valueMilli: totalMilli }),
  }
}

function metricOf(metric: CaseMetric): Metric {
  const { source, resource = "cpu", container } = metric
  const isResource = source === "Resource" || source === "ContainerResource"
  return {
    type: source,
    name: isResource ? resource : "metric",
    container: source === "ContainerResource" ? container : undefined,
    target: targetOf(metric),
    upstreamName: "",
  }
}

function targetOf(metric: CaseMetric): Target {
  const { targetUtilization, targetAverageValueMilli, targetValueMilli } = metric
  if (targetUtilization !== undefined) return { kind: "utilization", percent: targetUtilization }
  if (targetAverageValueMilli !== undefined) {
    return { kind: "average", milli: targetAverageValueMilli }
  }
  return { kind: "total", milli: targetValueMilli! }
}

function podOf(
  pod: CasePod,
  index: number,
  resource: string,
  metricNames: readonly string[],
  toAxisMs: (second: number) => number,
): Pod {
  const { name = `pod-${index}`, deleted = false, gone = false, sampleAt, metricMilli } = pod
  const milli = (value: number | null) => (value === null ? {} : { [resource]: value })
  return {
    ...{ name, phase: pod.phase, deleted, gone },
    startedAtMs: pod.startedAt === null ? undefined : toAxisMs(pod.startedAt),
    ready:
      pod.ready === null
        ? undefined
        : { status: pod.ready, sinceMs: toAxisMs(pod.readyTransitionAt) },
    containers: pod.containers.map((it) => ({
      name: it.name,
      requestsMilli: milli(it.requestMilli),
      usageMilli: milli(it.usageMilli),
    })),
    sample:
      sampleAt === null
        ? undefined
        : { atMs: toAxisMs(sampleAt), windowMs: toMs(pod.windowSeconds ?? 0) },
    metricsMilli: Object.fromEntries(
      typeof metricMilli === "number" ? metricNames.map((it) => [it, metricMilli]) : [],
    ),
  }
}

function toMs(seconds: number): number {
  return Math.round(seconds * 1000)
}

/** Without what is `undefined`, as JSON has it. */
function defined<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>
  }
}
