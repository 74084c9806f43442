import assert from "node:assert/strict"
import { test } from "node:test"
import { type ClusterModel, syncSeconds } from "../../src/plan/model.ts"
import { type ReplayedSync, replay } from "../../src/plan/replay.ts"
import { cpu, queue, spec } from "../support/autoscale.ts"

/** Pods of one core that are ready after 10 s, measured every 15 s. */
const model: ClusterModel = {
  demandMilli: [],
  requestMilli: 1000,
  limitMilli: 1000,
  startupMilli: 200,
  pendingSeconds: 2,
  startSeconds: 10,
  terminationSeconds: 30,
  windowSeconds: 15,
  resolutionSeconds: 15,
  offsetSeconds: 0,
  lagSeconds: 0,
}

function syncs(
  demandMilli: readonly number[],
  other: Partial<ClusterModel> = {},
  resolved = spec(),
): ReplayedSync[] {
  return [...replay({ ...model, demandMilli, ...other }, resolved, { initialReplicas: 2 })]
}

const replicas = (replayed: readonly ReplayedSync[]) => replayed.map(({ replicas }) => replicas)

test("a step that saturates the pods is followed in generations, each as far as CPU can show", () => {
  const counts = replicas(syncs([1000, 1000, ...Array(12).fill(5000)]))
  assert.deepEqual([...new Set(counts)], [2, 4, 8, 10])
})

test("the same step is followed at once where a metric says what is asked for", () => {
  const resolved = spec({
    metrics: [queue(0.5)],
    behavior: { scaleUp: { policies: [{ type: "Pods", value: 20, periodSeconds: 15 }] } },
  })
  const counts = replicas(syncs([1000, 1000, ...Array(6).fill(5000)], {}, resolved))
  assert.deepEqual(counts, [2, 2, 2, 2, 10, 10, 10, 10])
})

test("an outage of the metrics holds everything as it is", () => {
  const replayed = syncs(Array(8).fill(4000), { outages: [[0, 6]] })
  assert.deepEqual(replicas(replayed), [2, 2, 2, 2, 2, 2, 2, 4])
  assert.match(replayed[0]!.decision.reasons[0]!, /^held: cpu failed: no pod/)
})

test("a new pod has no sample before a window of its container was measured", () => {
  const replayed = syncs([4000, 4000, 4000, 4000, 4000, 4000])
  const seen = replayed.map((sync) => [sync.seen.pods, sync.seen.ready, sync.seen.sampled])
  assert.deepEqual(seen.slice(0, 3), [
    [2, 2, 2],
    [4, 4, 2],
    [4, 4, 4],
  ])
})

test("the same model gives the same replay, and every sync is 15 s after the one before", () => {
  const demand = Array.from({ length: 60 }, (_, k) => 500 + ((k * 7919) % 4000))
  const replayed = syncs(demand, {}, spec({ metrics: [cpu(60)], behavior: {} }))
  assert.deepEqual(syncs(demand, {}, spec({ metrics: [cpu(60)], behavior: {} })), replayed)
  assert.deepEqual(
    replayed.map(({ second }) => second),
    demand.map((_, k) => k * syncSeconds),
  )
})

test("a model that can't be is refused, with field, value and range", () => {
  const check = (other: Partial<ClusterModel>, message: string) =>
    assert.throws(() => syncs([1], other), { name: "ModelError", message })
  check({ windowSeconds: 0 }, "windowSeconds is 0; it must be a whole number, 1 or more.")
  check({ startSeconds: 1 }, "startSeconds is 1; it must be a whole number, 2 or more.")
  check({ demandMilli: [] }, "demandMilli is empty; it needs one value for each sync.")
  check({ externalMilli: [] }, "externalMilli has 0 values; it needs as many as demandMilli, 1.")
})
