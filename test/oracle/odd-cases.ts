/**
 * Random cases of what the oracle's own generator leaves out: amounts that overflow, memory of whole
 * machines, quantities in every notation, policies without a bound, negative metrics, specs that the
 * API server refuses.
 */
import type {
  BehaviorSpec,
  MetricSpec,
  PolicySpec,
  Quantity,
  RulesSpec,
  TargetSpec,
} from "../../src/autoscale/spec.ts"
import type { CaseMetric, CasePod, CaseStep, ControllerCase, ReplicasCase } from "./cases.ts"

const int32Max = 2 ** 31 - 1
/** The memory of a large one, 64 GiB, in thousandths of a byte. */
const machine = 64 * 2 ** 30 * 1000

/** A case does not depend on how many there are. */
export function oddReplicasCase(seed: number, index: number): ReplicasCase {
  const { chance, pick, whole } = dice(seed, index)
  const count = whole(1, 40)
  const target = pick(1, 3, 1000, 10 ** 6, 2 ** 40)
  const request = pick(1, 250, machine)
  // All pods together stay below 2^53, up to which amounts are exact here.
  const amount = (scale: number) =>
    Math.min(2 * machine, Math.round(scale * pick(0, 0.3, 0.57, 0.9, 1, 1.1, 1.57, 50)))
  const metric = pick<() => CaseMetric>(
    () => ({
      source: "Resource",
      resource: pick("cpu", "memory"),
      targetUtilization: pick(1, 50, 57, 100, 300, request === machine ? 200 : int32Max),
    }),
    () => ({ source: "Resource", resource: "memory", targetAverageValueMilli: target }),
    () => ({ source: "Pods", targetAverageValueMilli: target }),
    () => ({ source: "Object", targetValueMilli: target, valuesMilli: [amount(target)] }),
    () => ({ source: "Object", targetAverageValueMilli: target, valuesMilli: [amount(2 ** 44)] }),
    () => ({ source: "External", targetValueMilli: target, valuesMilli: [amount(2 ** 44), -1] }),
    () => ({ source: "External", targetAverageValueMilli: target, valuesMilli: [amount(2 ** 44)] }),
    () => ({ source: "External", targetAverageValueMilli: target, valuesMilli: [-amount(target)] }),
  )()
  const pod = (): CasePod => ({
    phase: pick("Running", "Running", "Running", "Pending"),
    deleted: chance(0.05),
    gone: chance(0.05),
    ready: pick(true, true, true, false, null),
    readyTransitionAt: pick(100, 9000, 9900),
    startedAt: pick(50, 9000, 9690, 9700, 9710),
    containers: [
      { name: "app", requestMilli: request, usageMilli: chance(0.95) ? amount(request) : null },
    ],
    metricMilli: chance(0.95) ? pick(1, 1, -1) * amount(target) : null,
    sampleAt: chance(0.95) ? pick(9990, 9915) : null,
    windowSeconds: pick(0, 15),
  })
  return {
    id: `oddReplicas-${seed}-${index}`,
    metric,
    currentReplicas: pick(0, 1, count, count, int32Max),
    statusReplicas: pick(0, 1, count, int32Max),
    tolerance: { up: pick(0, 0.1, 0.57, 3), down: pick(0, 0.1, 1, 2) },
    now: 10_000,
    pods: Array.from({ length: count }, pod),
  }
}

export function oddControllerCase(seed: number, index: number): ControllerCase {
  const { chance, pick, whole } = dice(seed, index)
  const maxReplicas = pick(1, 3, 10, 60, int32Max)
  const quantity = (): Quantity =>
    pick<Quantity>(
      ...["1", 1, 0.5, "500m", "0.57", ".57", "57e-2", "5.7e-1", "570000u", "1e0", "1k", "2Ki"],
      ...["0.5Ki", "1.", "+1", "0.1m", "1500000n", "1T", "12345678901", "1.00000000000001", 1e-7],
    )
  const oddQuantity = (): Quantity => pick<Quantity>("0", "-1", "1.5.1", "x", "1 k", "1KiB", "")
  const target = (types: readonly TargetSpec["type"][]): TargetSpec => {
    const type = pick(...types)
    if (type === "Utilization") return { type, averageUtilization: pick(1, 50, 100, int32Max) }
    const value = chance(0.03) ? oddQuantity() : quantity()
    return type === "Value" ? { type, value } : { type, averageValue: value }
  }
  const metric = (): MetricSpec =>
    pick<() => MetricSpec>(
      () => ({
        type: "External",
        external: { metric: { name: "q" }, target: target(["AverageValue", "Value"]) },
      }),
      () => ({
        type: "Object",
        object: {
          metric: { name: "o" },
          describedObject: { kind: "Service", name: "s", apiVersion: "v1" },
          target: target(["AverageValue", "Value"]),
        },
      }),
      () => ({ type: "Pods", pods: { metric: { name: "p" }, target: target(["AverageValue"]) } }),
      () => ({
        type: "Resource",
        resource: { name: "cpu", target: target(["AverageValue", "Utilization"]) },
      }),
    )()
  const policy = (): PolicySpec => ({
    type: pick("Pods", "Percent"),
    value: chance(0.03) ? 0 : pick(1, 7, 55, 99, 100, 101, 110, 10 ** 6, int32Max),
    periodSeconds: chance(0.02) ? 1801 : pick(1, 15, 16, 60, 1800),
  })
  const rules = (): RulesSpec => ({
    ...(chance(0.6) && { policies: Array.from({ length: whole(1, 3) }, policy) }),
    ...(chance(0.5) && { selectPolicy: pick("Max", "Min", "Disabled") }),
    ...(chance(0.5) && { stabilizationWindowSeconds: pick(0, 15, 45, 300, 3600) }),
    ...(chance(0.4) && { tolerance: pick<Quantity>(0, "0", "0.0005", "1u", quantity()) }),
    ...(chance(0.03) && pick<RulesSpec>({ policies: [] }, { tolerance: "-1u" })),
    ...(chance(0.02) && { stabilizationWindowSeconds: pick(-1, 3601) }),
  })
  const behavior = (): BehaviorSpec => ({
    ...(chance(0.8) && { scaleUp: rules() }),
    ...(chance(0.8) && { scaleDown: rules() }),
  })
  const amount = () =>
    pick(0, 1, 570, 1000, 1570, 1571, 3000, 20_000, 10 ** 6, 2 ** 44, -1, -1000, whole(0, 60_000))
  const pod = (): CasePod => ({
    ...{ phase: "Running", ready: true, readyTransitionAt: -900, startedAt: -1000 },
    containers: [{ name: "app", requestMilli: 1000, usageMilli: Math.abs(amount()) }],
    ...{ metricMilli: amount(), sampleAt: -10, windowSeconds: 15 },
  })
  const step = (): CaseStep => ({
    external: { q: chance(0.95) ? [amount()] : [] },
    object: chance(0.95) ? { o: amount() } : {},
    ...(chance(0.2) && { pods: Array.from({ length: whole(0, 5) }, pod) }),
    ...(chance(0.05) && { statusReplicas: whole(0, 5) }),
    ...(chance(0.1) && { setReplicas: pick(0, 1, 2, 5, 100, int32Max) }),
  })
  return {
    id: `oddController-${seed}-${index}`,
    hpa: {
      ...(chance(0.5) && { minReplicas: chance(0.1) ? maxReplicas + 1 : pick(0, 1, maxReplicas) }),
      maxReplicas: chance(0.02) ? 0 : maxReplicas,
      ...(chance(0.95) && { metrics: Array.from({ length: whole(0, 3) }, metric) }),
      ...(chance(0.6) && { behavior: behavior() }),
    },
    ...(chance(0.3) && {
      flags: {
        downscaleStabilizationSeconds: pick(0, 0.5, 59.999, 90.5, 300),
        tolerance: pick(0, 0.1, 0.57, 0.123),
      },
    }),
    initialReplicas: pick(0, 1, 2, Math.min(maxReplicas, 20), int32Max),
    syncTakesMs: pick(0, 0, 1, 750),
    steps: [
      { pods: Array.from({ length: whole(0, 5) }, pod), ...step() },
      ...Array.from({ length: whole(1, 60) }, step),
    ],
  }
}

/** Totals of shared metrics, which multiply the ready pods: those on their way out among them. */
export function oddFollowCase(seed: number, index: number): ControllerCase {
  const { chance, pick, whole } = dice(seed, index)
  const value = `${whole(100, 3000)}m`
  const described = { kind: "Service", name: "s", apiVersion: "v1" }
  const [pendingSeconds, windowSeconds] = [whole(0, 20), whole(1, 90)]
  const demandMilli = Array.from({ length: whole(1, 80) }, () => whole(0, 6000))
  return {
    id: `oddFollow-${seed}-${index}`,
    hpa: {
      maxReplicas: whole(1, 30),
      metrics: [
        pick<MetricSpec>(
          {
            type: "External",
            external: { metric: { name: "q" }, target: { type: "Value", value } },
          },
          {
            type: "Object",
            object: {
              metric: { name: "o" },
              describedObject: described,
              target: { type: "Value", value },
            },
          },
          {
            type: "Pods",
            pods: { metric: { name: "p" }, target: { type: "AverageValue", averageValue: value } },
          },
        ),
      ],
      ...(chance(0.5) && { behavior: { scaleDown: { stabilizationWindowSeconds: pick(0, 30) } } }),
    },
    initialReplicas: whole(0, 30),
    syncTakesMs: pick(0, 333),
    follow: {
      demandMilli,
      ...(chance(0.5) && { externalMilli: demandMilli.map(() => whole(0, 6000)) }),
      requestMilli: whole(1, 2000),
      limitMilli: pick(0, whole(1, 2000)),
      startupMilli: whole(0, 2000),
      pendingSeconds,
      startSeconds: pendingSeconds + whole(0, 60),
      terminationSeconds: whole(0, 90),
      windowSeconds,
      minWindowSeconds: whole(0, windowSeconds),
      resolutionSeconds: whole(1, 70),
      offsetSeconds: whole(0, 70),
      lagSeconds: whole(0, 70),
      ...(chance(0.2) && { outages: [[whole(0, 30), whole(0, 60)] as const] }),
    },
  }
}

/** Chance that a seed repeats: mulberry32. */
function dice(seed: number, index: number) {
  let state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    chance: (share: number): boolean => random() < share,
    pick: <T>(...of: readonly T[]): T => of[Math.floor(random() * of.length)]!,
    /** Both ends included. */
    whole: (low: number, high: number): number => low + Math.floor(random() * (high - low + 1)),
  }
}
