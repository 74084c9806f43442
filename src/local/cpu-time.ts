/** What the operating system says of a process's CPU time. */
import { readFileSync } from "node:fs"

/** A tick of /proc is 10 ms on every Linux that Node runs on. */
const tickMs = 10

/**
 * User and system time of all threads of a process, in milliseconds. `undefined` when there is no
 * such process, or no /proc, as outside Linux.
 */
export function cpuTimeMs(pid: number): number | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  } catch {
    return undefined
  }
  // The name in front may hold anything; proc_pid_stat(5) from its third field on comes behind it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) * tickMs
}
