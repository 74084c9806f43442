/** A few telling syncs, with the reasons that a person reads. All others: agreement.test.ts. */
import assert from "node:assert/strict"
import { test } from "node:test"
import type { Decision } from "../../src/autoscale/conclude.ts"
import { decide } from "../../src/autoscale/decide.ts"
import { noMemory } from "../../src/autoscale/memory.ts"
import type { Observed } from "../../src/autoscale/observed.ts"
import type { ResolvedSpec } from "../../src/autoscale/resolve.ts"
import { Autoscaler, cpu, noonMs, pod, pods, queue, seen, spec } from "../support/autoscale.ts"

/** The first sync of an autoscaler comes to so many replicas, for these reasons. */
function check(
  observed: Observed,
  resolved: ResolvedSpec,
  replicas: number,
  ...reasons: string[]
): Decision {
  const decision = new Autoscaler(resolved).sync(observed)
  assert.deepEqual([decision.replicas, ...decision.reasons], [replicas, ...reasons])
  return decision
}

const silent = { sample: undefined }

test("holds while the metric is within its tolerance of the target", () => {
  check(seen(pods(4, 520)), spec(), 4, "held: cpu at 52 % is within 10 % of 50 %")
  check(seen(pods(4, 550)), spec(), 4, "held: cpu at 55 % is within 10 % of 50 %")
  const tight = spec({ behavior: { scaleUp: { tolerance: "0.02" } } })
  check(
    seen(pods(4, 520)),
    tight,
    5,
    "4 → 5: cpu at 52 %, target 50 %, asks for 5: 4 ready pods × 1.04",
  )
})

test("asks for as many as bring the metric back to its target", () => {
  const reason = "4 → 7: cpu at 80 %, target 50 %, asks for 7: 4 ready pods × 1.6"
  const { events, conditions, metrics } = check(seen(pods(4, 800)), spec(), 7, reason)
  assert.deepEqual(events, [
    {
      type: "Normal",
      reason: "SuccessfulRescale",
      message: "New size: 7; reason: cpu resource utilization (percentage of request) above target",
    },
  ])
  assert.deepEqual(
    conditions.map(({ type, status, reason }) => [type, status, reason]),
    [
      ["AbleToScale", "True", "SucceededRescale"],
      ["ScalingActive", "True", "ValidMetricFound"],
      ["ScalingLimited", "False", "DesiredWithinRange"],
    ],
  )
  assert.deepEqual(metrics, [
    { type: "Resource", name: "cpu", replicas: 7, utilization: 80, averageMilli: 800 },
  ])
})

test("one sync at most doubles, or makes four of less", () => {
  check(
    ...([seen(pods(4, 2000)), spec(), 8] as const),
    "4 → 8: cpu at 200 %, target 50 %, asks for 16: 4 ready pods × 4",
    "one sync takes 4 to 8 at most",
  )
  assert.equal(new Autoscaler(spec()).sync(seen(pods(1, 4000))).replicas, 4)
})

test("an empty behavior is not no behavior: it adds four to one", () => {
  assert.equal(new Autoscaler(spec({ behavior: {} })).sync(seen(pods(1, 4000))).replicas, 5)
})

test("takes replicas away only when nothing asked for more in the last five minutes", () => {
  const autoscaler = new Autoscaler(spec())
  for (let seconds = 0; seconds <= 300; seconds += 15) {
    const { replicas, reasons } = autoscaler.sync(seen(pods(8, 100)))
    assert.deepEqual(
      [replicas, ...reasons],
      [
        8,
        "held: cpu at 10 %, target 50 %, asks for 2: 8 ready pods × 0.2",
        "8 was asked for in the last 300 s: no fewer than 8",
      ],
    )
  }
  const { replicas, reasons } = autoscaler.sync(seen(pods(8, 100)))
  assert.deepEqual(
    [replicas, ...reasons],
    [2, "8 → 2: cpu at 10 %, target 50 %, asks for 2: 8 ready pods × 0.2"],
  )
})

test("a window upwards waits until a peak has lasted", () => {
  const behavior = { scaleUp: { stabilizationWindowSeconds: 30 } }
  const autoscaler = new Autoscaler(spec({ behavior }))
  const peak = seen(pods(4, 800))
  const replicas = [seen(pods(4, 500)), peak, peak, peak].map((it) => autoscaler.sync(it).replicas)
  assert.deepEqual(replicas, [4, 4, 7, 7])
})

test("a policy counts what was added and removed in its period, by whatever it was", () => {
  const scaleUp = { policies: [{ type: "Pods", value: 4, periodSeconds: 60 }] } as const
  const autoscaler = new Autoscaler(spec({ minReplicas: 10, behavior: { scaleUp } }))
  assert.equal(autoscaler.sync(seen(pods(1, 800))).replicas, 10)
  for (let seconds = 15; seconds < 60; seconds += 15) {
    const { replicas, reasons } = autoscaler.sync(seen(pods(10, 800)))
    assert.equal(replicas, 10)
    assert.equal(reasons.at(-1), "the policies allow 10 for now")
  }
  assert.equal(autoscaler.sync(seen(pods(10, 800))).replicas, 14)
})

test("a policy downwards removes one a minute", () => {
  const scaleDown = {
    policies: [{ type: "Pods", value: 1, periodSeconds: 60 }],
    stabilizationWindowSeconds: 0,
  } as const
  const autoscaler = new Autoscaler(spec({ behavior: { scaleDown } }))
  let replicas = 5
  const counts = Array.from({ length: 9 }, () => {
    replicas = autoscaler.sync(seen(pods(replicas, 100))).replicas
    return replicas
  })
  assert.deepEqual(counts, [4, 4, 4, 4, 3, 3, 3, 3, 2])
})

test("pods without a sample count as idle where more are asked for", () => {
  check(
    ...([seen([...pods(4, 800), ...pods(2, undefined, silent)]), spec(), 6] as const),
    "held: cpu at 80 %, 53 % with 2 silent pods counted as 0, which is within 10 % of 50 %",
  )
  check(
    ...([seen([...pods(4, 560), ...pods(2, undefined, silent)]), spec(), 6] as const),
    "held: cpu at 56 %, 37 % with 2 silent pods counted as 0, which is on the other side of 50 %",
  )
  check(
    ...([seen([...pods(4, 1000), ...pods(2, undefined, silent)]), spec(), 8] as const),
    "6 → 8: cpu at 100 %, 66 % with 2 silent pods counted as 0, target 50 %, asks for 8",
  )
})

test("pods without a sample count as using all they request where fewer are asked for", () => {
  check(
    ...([seen([...pods(4, 300), ...pods(2, undefined, silent)]), spec(), 6] as const),
    "held: cpu at 30 %, 53 % with 2 silent pods counted as 100 %, which is within 10 % of 50 %",
  )
})

test("pods that are starting do not count upwards, and are left out downwards", () => {
  const unready = { ready: { status: false, sinceMs: 1_000 } }
  check(
    ...([seen([...pods(5, 900), ...pods(5, 900, { phase: "Pending" })]), spec(), 10] as const),
    "held: cpu at 90 %, 45 % with 5 silent pods counted as 0, which is within 10 % of 50 %",
  )
  check(
    ...([seen([...pods(5, 400), ...pods(5, 900, unready)]), spec({ behavior: {} }), 10] as const),
    "held: cpu at 40 %, target 50 %, asks for 4: 5 ready pods × 0.8",
    "10 was asked for in the last 300 s: no fewer than 10",
  )
})

test("a pod counts once a whole window was measured since it became ready", () => {
  const startedAtMs = noonMs - 60_000
  const readyFor = (seconds: number) =>
    pod(900, { startedAtMs, ready: { status: true, sinceMs: noonMs - seconds * 1000 } })
  assert.equal(new Autoscaler(spec()).sync(seen([pod(900), readyFor(14)])).replicas, 2)
  assert.equal(new Autoscaler(spec()).sync(seen([pod(900), readyFor(15)])).replicas, 4)
})

test("a pod that turned unready after it had been ready counts: it may be busy", () => {
  const busy = { ready: { status: false, sinceMs: 600_000 } }
  assert.equal(new Autoscaler(spec()).sync(seen(pods(2, 1000, busy))).replicas, 4)
})

test("pods on their way out and failed pods do not count", () => {
  const leaving = [pod(0, { deleted: true }), pod(0, { phase: "Failed" })]
  const observed = seen([...pods(2, 900), ...leaving], { replicas: 2 })
  assert.equal(new Autoscaler(spec()).sync(observed).replicas, 4)
})

test("the metric that asks for most counts", () => {
  check(
    ...([seen(pods(3, 800), { externalMilli: { queue: [30_000, 20_000] } })] as const),
    ...([spec({ metrics: [cpu(50), queue(10)] }), 5] as const),
    "3 → 5: cpu at 80 %, target 50 %, asks for 5: 3 ready pods × 1.6",
    "queue at 16.667 each, target 10, asks for 5",
    "the most counts: 5",
  )
})

test("a metric that fails blocks decreases only", () => {
  const metrics = [cpu(50), queue(10)]
  const failure = "queue failed: there is no value of queue"
  const up = check(
    ...([seen(pods(3, 800)), spec({ metrics }), 5] as const),
    "3 → 5: cpu at 80 %, target 50 %, asks for 5: 3 ready pods × 1.6",
    ...[failure, "the most counts: 5"],
  )
  assert.deepEqual(
    up.events.map(({ reason }) => reason),
    ["FailedGetExternalMetric", "SuccessfulRescale"],
  )
  assert.equal(up.error, "1 of 2 metrics failed, the first because there is no value of queue")

  const down = check(
    ...([
      seen(pods(3, 100)),
      spec({ metrics, behavior: { scaleDown: { stabilizationWindowSeconds: 0 } } }),
      3,
    ] as const),
    "held: cpu at 10 %, target 50 %, asks for 1: 3 ready pods × 0.2",
    ...[failure, "while a metric fails, nothing is taken away"],
  )
  assert.deepEqual(
    down.events.map(({ reason }) => reason),
    ["FailedGetExternalMetric", "FailedComputeMetricsReplicas"],
  )
})

test("says which pod has no request", () => {
  const containers = [{ name: "proxy", requestsMilli: {}, usageMilli: { cpu: 5 } }]
  check(
    ...([seen([...pods(3, 800), pod(0, { name: "stray", containers })]), spec(), 4] as const),
    "held: cpu failed: stray has a container without a request for cpu",
  )
})

test("brings replicas within bounds at once, without a look at metrics or policies", () => {
  check(seen(pods(30, 0)), spec(), 20, "30 → 20: 30 is above maxReplicas, 20")
  const slow = { scaleUp: { selectPolicy: "Disabled" } } as const
  const low = spec({ minReplicas: 15, behavior: slow })
  check(seen(pods(1, 0)), low, 15, "1 → 15: 1 is below minReplicas, 15")
})

test("leaves a service alone that was scaled to nothing, unless nothing is its minimum", () => {
  const off = "held: scaled to 0 by hand, which turns autoscaling off"
  check(seen([], { externalMilli: { queue: [5000] } }), spec({ metrics: [queue(10)] }), 0, off)
  const fromNothing = spec({ minReplicas: 0, metrics: [queue(10)] })
  const observed = seen([], { externalMilli: { queue: [50_000] } })
  assert.equal(new Autoscaler(fromNothing).sync(observed).replicas, 4)
})

test("goes in one step where an average of a shared metric asks for it", () => {
  check(
    ...([seen(pods(2, 1000), { externalMilli: { queue: [160_000] } })] as const),
    ...([
      spec({
        metrics: [queue(10)],
        behavior: { scaleUp: { policies: [{ type: "Pods", value: 100, periodSeconds: 15 }] } },
      }),
      16,
    ] as const),
    "2 → 16: queue at 80 each, target 10, asks for 16",
  )
})

test("remembers in a value: it survives JSON, and what it was given stays as it was", () => {
  const resolved = spec({ behavior: {} })
  const observed = deepFreeze(seen(pods(4, 800)))
  const first = decide(observed, deepFreeze(resolved), deepFreeze(noMemory), noonMs)
  const again = decide(observed, resolved, noMemory, noonMs)
  assert.deepEqual(again, first)
  const next = (memory: typeof noMemory) =>
    decide(seen(pods(7, 100)), resolved, deepFreeze(memory), noonMs + 15_000)
  assert.deepEqual(next(JSON.parse(JSON.stringify(first.memory))), next(first.memory))
})

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === "object" && part !== null) deepFreeze(part)
  }
  return Object.freeze(value)
}
