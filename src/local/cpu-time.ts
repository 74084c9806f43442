/** What the operating system says of a process's CPU time. */
import { readFileSync } from "node:fs"
import { cpuTimesOf } from "../core/proc-stat.ts"

/**
 * User and system time of all threads of a process, in milliseconds, and of the processes that it has
 * started: an autoscaler on a cluster counts all that is in a container, workers that are processes
 * for instance. `undefined` when there is no such process, or no /proc, as outside Linux.
 */
export function cpuTimeMs(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  const { ownMs, endedMs } = cpuTimesOf(stat)
  let sumMs = ownMs + endedMs
  const children = read(`/proc/${pid}/task/${pid}/children`)?.match(/\d+/g) ?? []
  for (const child of children) sumMs += cpuTimeMs(Number(child)) ?? 0
  return sumMs
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}
