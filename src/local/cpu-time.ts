/** What the operating system says of a process's CPU time. */
import { readFileSync } from "node:fs"

/** A tick of /proc is 10 ms on every Linux that Node runs on. */
const tickMs = 10

/**
 * User and system time of all threads of a process, in milliseconds, and of the processes that it has
 * started: an autoscaler on a cluster counts all that is in a container, workers that are processes
 * for instance. `undefined` when there is no such process, or no /proc, as outside Linux.
 */
export function cpuTimeMs(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The name in front may hold anything; proc_pid_stat(5) from its third field on comes behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  // Its own, user and system, and that of those that have ended.
  const [user, system, userOfEnded, systemOfEnded] = fields.slice(11, 15).map(Number)
  let sumMs = (user! + system! + userOfEnded! + systemOfEnded!) * tickMs
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
