/**
 * Which pools of workers a service has: one that operations share, and one for each that has workers of
 * its own.
 */
import { defaultWorkerMemoryMiB, defaultWorkers } from "./cpu.ts"
import type { Isolation } from "./operation.ts"
import type { Service } from "./service.ts"
import type { ResolvedSettings } from "./settings.ts"

export interface LanePlan {
  /** Whose it is, for people. */
  readonly name: string
  readonly operations: readonly string[]
  /** How many workers, without spares. */
  readonly size: number
  readonly memoryMiB: number
  readonly isolation: Isolation
}

export function planLanes(service: Service, settings: ResolvedSettings): readonly LanePlan[] {
  const { workers, workerNice, workerMemoryMiB, spareWorkers } = settings
  const onWorkers = [...service.operations].filter(([, { thread }]) => thread === "worker")
  const own = onWorkers.flatMap(([name, { ownWorkers }]) =>
    ownWorkers === undefined ? [] : { name, ownWorkers },
  )
  const shared = onWorkers.filter(([, { ownWorkers }]) => ownWorkers === undefined)
  const sharedSize = workers === "auto" ? defaultWorkers(workerNice) : workers
  const sizes = own.map(({ ownWorkers }) => ownWorkers.count)
  if (shared.length > 0) sizes.push(sharedSize)
  const count = sizes.reduce((sum, size) => sum + size + spareWorkers, 0)
  const memoryMiB = workerMemoryMiB === "auto" ? defaultWorkerMemoryMiB(count) : workerMemoryMiB
  const plans = own.map(
    ({ name, ownWorkers }): LanePlan => ({
      name,
      operations: [name],
      size: ownWorkers.count,
      memoryMiB: ownWorkers.memoryMiB ?? memoryMiB,
      isolation: ownWorkers.isolation,
    }),
  )
  if (shared.length === 0) return plans
  const operations = shared.map(([name]) => name)
  return [
    ...plans,
    { name: "the service", operations, size: sharedSize, memoryMiB, isolation: "thread" },
  ]
}
