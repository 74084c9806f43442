/**
 * Replays 24 hours of a service through the autoscaler, some times in a row, and prints how long it
 * took as JSON, in milliseconds. Its own process: the first day is that of code that never ran before.
 */
import { resolveSpec } from "../src/autoscale/resolve.ts"
import { type ClusterModel, syncSeconds } from "../src/plan/model.ts"
import { replay } from "../src/plan/replay.ts"
import { spread } from "./report.ts"

const days = 10
const syncsPerDay = (24 * 3600) / syncSeconds
const replicasMean = 10

/** Busy by day, quiet by night, restless all the time: at half use, ten replicas on average. */
const demandMilli = Array.from({ length: syncsPerDay }, (_, k) => {
  const ofDay = 1 - 0.6 * Math.cos((2 * Math.PI * k) / syncsPerDay)
  const ofMoment = 1 + 0.2 * Math.sin(k * 12.9898)
  return Math.round(0.44 * replicasMean * 1000 * ofDay * ofMoment)
})

const model: ClusterModel = {
  demandMilli,
  requestMilli: 1000,
  limitMilli: 1000,
  startupMilli: 500,
  pendingSeconds: 1,
  startSeconds: 4,
  terminationSeconds: 30,
  windowSeconds: 15,
  resolutionSeconds: 15,
  offsetSeconds: 4,
  lagSeconds: 1,
}
const spec = resolveSpec({
  minReplicas: 2,
  maxReplicas: 30,
  metrics: [
    {
      type: "Resource",
      resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } },
    },
  ],
})

const times = Array.from({ length: days }, () => {
  const [startedAt, usedBefore] = [performance.now(), process.threadCpuUsage()]
  let [syncs, pods] = [0, 0]
  for (const { seen } of replay(model, spec, { initialReplicas: 4 })) {
    syncs += 1
    pods += seen.pods
  }
  const ms = performance.now() - startedAt
  const { user, system } = process.threadCpuUsage(usedBefore)
  return { ms, cpuMs: (user + system) / 1000, replicas: pods / syncs }
})
const later = spread(times.slice(1).map(({ ms }) => ms)).median
process.stdout.write(
  JSON.stringify({
    firstMs: times[0]?.ms,
    firstCpuMs: times[0]?.cpuMs,
    laterMs: later,
    syncUs: (later * 1000) / syncsPerDay,
    replicas: times[0]?.replicas,
  }),
)
