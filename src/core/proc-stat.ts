/** What Linux tells of a process's CPU time, in `/proc/<pid>/stat`. */

/** A tick of /proc is 10 ms on every Linux that Node runs on. */
const tickMs = 10

/** User and system time of all threads of a process. */
export interface CpuTimes {
  readonly ownMs: number
  /** Those of the processes that it has started and that have ended. */
  readonly endedMs: number
}

/** @param stat what is in the file. */
export function cpuTimesOf(stat: string): CpuTimes {
  // The name in front may hold anything; proc_pid_stat(5) from its third field on comes behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const [user, system, userOfEnded, systemOfEnded] = fields.slice(11, 15).map(Number)
  return {
    ownMs: (user! + system!) * tickMs,
    endedMs: (userOfEnded! + systemOfEnded!) * tickMs,
  }
}
