/**
 * How much CPU and memory there is for this process. Inside a container the cgroup's quota counts,
 * not the machine: `os.availableParallelism()` follows it in recent Node lines only, and rounds it.
 */
import { readFileSync } from "node:fs"
import { availableParallelism, totalmem } from "node:os"

/** What a file holds, or `undefined` when there is no such file. A parameter, to be tried on samples. */
export type ReadText = (path: string) => string | undefined

export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

/**
 * The CPU quota in cores, from cgroup v2 (`cpu.max`) or v1 (`cpu.cfs_quota_us`): the smallest on the
 * way from the process's own group to the root. `undefined` when there is none.
 */
export function cpuQuota(read: ReadText = readText): number | undefined {
  const quotas: number[] = []
  for (const line of (read("/proc/self/cgroup") ?? "").split("\n")) {
    const [, controllers, path] = line.split(":")
    if (controllers === undefined || path === undefined) continue
    const isV2 = controllers === ""
    if (!isV2 && !controllers.split(",").includes("cpu")) continue
    for (const group of upwards(path)) {
      const quota = isV2
        ? quotaOf(read(`/sys/fs/cgroup${group}/cpu.max`))
        : (quotaV1(read, `/sys/fs/cgroup/cpu${group}`) ??
          quotaV1(read, `/sys/fs/cgroup/cpu,cpuacct${group}`))
      if (quota !== undefined) quotas.push(quota)
    }
  }
  return quotas.length === 0 ? undefined : Math.min(...quotas)
}

/** `/a/b`, `/a`, and the root as the empty path. */
function* upwards(path: string): Generator<string> {
  for (let group = path; group.length > 1; group = group.slice(0, group.lastIndexOf("/")))
    yield group
  yield ""
}

/** `200000 100000` is two cores; `max 100000` is no quota. */
function quotaOf(text: string | undefined): number | undefined {
  const [quota, period] = (text ?? "").trim().split(/\s+/).map(Number)
  if (!quota || !period || quota < 0) return undefined
  return quota / period
}

function quotaV1(read: ReadText, group: string): number | undefined {
  const quota = read(`${group}/cpu.cfs_quota_us`)
  const period = read(`${group}/cpu.cfs_period_us`)
  return quota === undefined || period === undefined
    ? undefined
    : quotaOf(`${quota.trim()} ${period}`)
}

/** The cores that this process may use: more than 0, and with a quota not a whole number. */
export function availableCores(): number {
  return Math.min(availableParallelism(), cpuQuota() ?? Number.POSITIVE_INFINITY)
}

/**
 * Workers for so much CPU.
 *
 * As many busy workers as the quota would use it up, and the kernel would then stop the whole process
 * for the rest of each 100 ms, main thread and probes included: so a quarter of a CPU stays free.
 * Without a quota the main thread is kept free by priority, where threads can have one, else by
 * leaving a CPU to it.
 */
export function workersFor(cpu: {
  readonly quota: number | undefined
  readonly cpus: number
  readonly threadsHavePriority: boolean
}): number {
  const withoutQuota = cpu.threadsHavePriority ? cpu.cpus : cpu.cpus - 1
  const withQuota = cpu.quota === undefined ? withoutQuota : Math.floor(cpu.quota - 0.25)
  return Math.max(1, Math.min(withoutQuota, withQuota))
}

/** Workers when the setting says `auto`. */
export function defaultWorkers(nice: number): number {
  return workersFor({
    quota: cpuQuota(),
    cpus: availableParallelism(),
    threadsHavePriority: process.platform === "linux" && nice > 0,
  })
}

/** The memory that this process may use, where it is less than the machine's; else `undefined`. */
export function memoryLimitBytes(): number | undefined {
  // 0 or absurdly large without a limit.
  const limit = process.constrainedMemory()
  return limit > 0 && limit < totalmem() ? limit : undefined
}

/** The memory that this process may use. */
export function memoryBytes(): number {
  return memoryLimitBytes() ?? totalmem()
}

/**
 * Beyond that, an array that grows meets the largest piece that V8 makes, and the process ends, before
 * the worker has outgrown its bound.
 */
const workerMemoryMiBMax = 768

/** Memory of a worker when the setting says `auto`, for so many workers. */
export function defaultWorkerMemoryMiB(workers: number): number {
  const mib = (0.75 * memoryBytes()) / 2 ** 20 / workers
  return Math.max(16, Math.min(workerMemoryMiBMax, Math.floor(mib)))
}
