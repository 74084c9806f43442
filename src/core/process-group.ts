/** A process that leads a group, in which what it starts is as well. */
import type { ChildProcess } from "node:child_process"

/** Ends all of it, whatever they are at. */
export function endGroup({ pid }: Pick<ChildProcess, "pid">): void {
  // It could not be started.
  if (pid === undefined) return
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // There is nobody left.
  }
}
