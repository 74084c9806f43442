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
  /** Which setting says so. */
  readonly memorySetting: string
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
  const memorySetting = "workerMemoryMiB"
  const memoryOf = (name: string, ownMiB: number | undefined) =>
    ownMiB === undefined
      ? { memoryMiB, memorySetting }
      : { memoryMiB: ownMiB, memorySetting: `ownWorkers.memoryMiB of "${name}"` }
  const plans = own.map(
    ({ name, ownWorkers }): LanePlan => ({
      name,
      operations: [name],
      size: ownWorkers.count,
      ...memoryOf(name, ownWorkers.memoryMiB),
      isolation: ownWorkers.isolation,
    }),
  )
  if (shared.length === 0) return plans
  const operations = shared.map(([name]) => name)
  const memory = { memoryMiB, memorySetting }
  const isolation = "thread"
  return [...plans, { name: "the service", operations, size: sharedSize, ...memory, isolation }]
}
