/**
 * The files and sockets that this process may have open (`RLIMIT_NOFILE`), and how many of them may be
 * connections.
 *
 * At that limit nothing is accepted any more, whoever comes, nor is a file opened or a worker started.
 * So connections stay clear of it, and where the settings would have more of them than there is room
 * for, that is said at the start. Node has raised the soft limit to the hard one by then.
 */
import { type ReadText, readText } from "./cpu.ts"

/** What Node, the log and the ports have open, and some for what the service opens itself. */
const ownAlways = 128
/** A thread has 5; a process its pipes. */
const ownOfEach = 8
/** Where there is little, it is halved. */
const ownShareMax = 1 / 2
/** More than probes and whoever scrapes have open. */
const managementMax = 256
const managementShareMax = 1 / 8

/** `undefined` where it is not known, or there is none. */
export function descriptorsMax(read: ReadText = readText): number | undefined {
  const found = /^Max open files\s+(\d+)\s/m.exec(read("/proc/self/limits") ?? "")?.[1]
  return found === undefined ? undefined : Number(found)
}

export interface DescriptorNeeds {
  /** Workers, or replicas. */
  readonly started: number
  readonly connectionsMax: number
  /** Beside its own, what a connection of a client takes: one to a replica, where there is a balancer. */
  readonly others: 0 | 1
}

export interface DescriptorPlan {
  readonly connectionsMax: number
  readonly managementConnectionsMax: number
  /** What is left for connections to replicas. */
  readonly othersMax: number
  /** Why there can't be as many connections as were wanted, and what to do. */
  readonly shortage: string | undefined
}

export function planDescriptors(limit: number | undefined, needs: DescriptorNeeds): DescriptorPlan {
  const { started, connectionsMax: wanted, others } = needs
  const all = limit ?? Number.POSITIVE_INFINITY
  const own = ownAlways + ownOfEach * started
  const left = all - Math.min(own, Math.floor(all * ownShareMax))
  const managementConnectionsMax = Math.min(managementMax, Math.floor(left * managementShareMax))
  const room = left - managementConnectionsMax
  const connectionsMax = Math.max(1, Math.min(wanted, Math.floor(room / (1 + others))))
  const enough = own + managementMax + wanted * (1 + others)
  return {
    connectionsMax,
    managementConnectionsMax: Math.max(1, managementConnectionsMax),
    othersMax: Math.max(1, room - connectionsMax),
    shortage:
      connectionsMax === wanted
        ? undefined
        : `connectionsMax is ${wanted}, and this process may have ${all} files and sockets open: it takes ${connectionsMax} connections at a time. Allow it ${enough} (the hard limit of ulimit -n, LimitNOFILE= of systemd, --ulimit nofile= of a container), or set connectionsMax to ${connectionsMax} or less.`,
  }
}
