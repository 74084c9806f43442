import assert from "node:assert/strict"
import { test } from "node:test"
import { parseQuantity, toFloat, toMilli } from "../../src/autoscale/quantity.ts"
import { resolveSpec } from "../../src/autoscale/resolve.ts"
import type { AutoscalerSpec, Quantity, TargetSpec } from "../../src/autoscale/spec.ts"
import { cpu } from "../support/autoscale.ts"

test("what is left out is filled in as Kubernetes does", () => {
  const { minReplicas, metrics, tolerance, behavior, ...rest } = resolveSpec({ maxReplicas: 3 })
  assert.equal(minReplicas, 1)
  assert.deepEqual(
    metrics.map(({ name, target }) => [name, target]),
    [["cpu", { kind: "utilization", percent: 80 }]],
  )
  assert.deepEqual(tolerance, { up: 0.1, down: 0.1 })
  assert.equal(behavior, undefined)
  assert.deepEqual(rest, {
    maxReplicas: 3,
    downscaleStabilizationMs: 300_000,
    readiness: { cpuInitializationPeriodMs: 300_000, initialDelayMs: 30_000 },
  })
})

test("a behavior that says a part gets the rest, each side for itself", () => {
  const scaleUp = { stabilizationWindowSeconds: 60 }
  const { behavior } = resolveSpec({ maxReplicas: 3, behavior: { scaleUp } })
  assert.deepEqual(behavior, {
    up: {
      stabilizationWindowMs: 60_000,
      selectPolicy: "Max",
      policies: [
        { type: "Pods", value: 4, periodMs: 15_000 },
        { type: "Percent", value: 100, periodMs: 15_000 },
      ],
    },
    down: {
      stabilizationWindowMs: 300_000,
      selectPolicy: "Max",
      policies: [{ type: "Percent", value: 100, periodMs: 15_000 }],
    },
  })
})

test("a controller's flags hold where the spec says nothing", () => {
  const flags = { tolerance: 0.2, downscaleStabilizationSeconds: 60.5 }
  const behavior = { scaleDown: { tolerance: "50m" } }
  const resolved = resolveSpec({ maxReplicas: 3, behavior }, flags)
  assert.deepEqual(resolved.tolerance, { up: 0.2, down: 0.05 })
  assert.equal(resolved.behavior?.down.stabilizationWindowMs, 60_000)
  assert.equal(resolved.downscaleStabilizationMs, 60_500)
})

test("quantities are read as Kubernetes reads them", () => {
  const check = (quantity: Quantity, milli: number) =>
    assert.equal(toMilli(parseQuantity(quantity)!), milli, String(quantity))
  check("500m", 500)
  check(0.5, 500)
  check("1", 1000)
  check(".5", 500)
  check("1.", 1000)
  check("+2k", 2_000_000)
  check("2Ki", 2_048_000)
  check("0.5Ki", 512_000)
  check("5e-1", 500)
  check("1E2", 100_000)
  check(1e-7, 1)
  check("0.1m", 1)
  check("-0.1m", -1)
  check("1000001n", 2)
  for (const wrong of ["", ".", "x", "1.2.3", "1 k", "1KiB", "1K", "--1", "Infinity"]) {
    assert.equal(parseQuantity(wrong), undefined, wrong)
  }
})

test("a quantity becomes the float that Kubernetes makes of it, not the nearest", () => {
  for (let milli = 1; milli < 1000; milli++) {
    assert.equal(toFloat(parseQuantity(`${milli}m`)!), milli * 0.001, `${milli}m`)
  }
  assert.equal(toFloat(parseQuantity("0.57")!), 570 * 0.001)
  assert.notEqual(toFloat(parseQuantity("0.57")!), 0.57)
  assert.equal(toFloat(parseQuantity("0")!), 0)
  assert.equal(toFloat(parseQuantity("2k")!), 2000)
})

test("refuses what the API server refuses, and says field, value and range", () => {
  const check = (other: Partial<AutoscalerSpec>, message: string) =>
    assert.throws(() => resolveSpec({ maxReplicas: 10, ...other }), { name: "SpecError", message })
  const external = (target: TargetSpec): Partial<AutoscalerSpec> => ({
    metrics: [{ type: "External", external: { metric: { name: "q" }, target } }],
  })

  check({ maxReplicas: 0 }, "maxReplicas is 0; it must be a whole number from 1 to 2147483647.")
  check({ minReplicas: 11 }, "minReplicas is 11; it must not be above maxReplicas, 10.")
  check(
    { minReplicas: 0, metrics: [cpu(50)] },
    "minReplicas is 0; that needs a metric of type Object or External, since pods that are not there report nothing.",
  )
  check(
    { metrics: [cpu(0)] },
    "metrics[0].resource.target.averageUtilization is 0; it must be a whole number from 1 to 2147483647.",
  )
  check(
    external({ type: "AverageValue", averageValue: "0" }),
    "metrics[0].external.target.averageValue is 0; it must be above 0.",
  )
  check(
    external({ type: "Value", value: "ten" }),
    'metrics[0].external.target.value is "ten"; it must be a quantity like 0.5, "500m" or "2Gi".',
  )
  check(
    external({ type: "Value", value: "1", averageValue: "1" }),
    "metrics[0].external.target has both averageValue and value; it must have one of them.",
  )
  check(
    external({ type: "Value" }),
    "metrics[0].external.target has neither averageValue nor value; it must have one of them.",
  )
  check(
    { behavior: { scaleUp: { policies: [] } } },
    "behavior.scaleUp.policies is empty; leave it out, or give at least one policy.",
  )
  check(
    { behavior: { scaleDown: { stabilizationWindowSeconds: 3601 } } },
    "behavior.scaleDown.stabilizationWindowSeconds is 3601; it must be a whole number from 0 to 3600.",
  )
  check(
    { behavior: { scaleDown: { tolerance: "-1m" } } },
    "behavior.scaleDown.tolerance is -1m; it must not be below 0.",
  )
})

test("refuses an Object metric without the value that its target's type names", () => {
  const metric = { name: "requests" }
  const describedObject = { kind: "Ingress", name: "main" }
  const target: TargetSpec = { type: "Value", averageValue: "10" }
  const spec: AutoscalerSpec = {
    maxReplicas: 3,
    metrics: [{ type: "Object", object: { metric, describedObject, target } }],
  }
  assert.throws(() => resolveSpec(spec), {
    message: "metrics[0].object.target.value is missing; it must be set.",
  })
})
