/** What happens, in words. */
import type { BalancerEvent } from "../../local/balancer/balancer.ts"
import type { LocalOptions } from "../../local/local.ts"

export type UpEvent = Parameters<LocalOptions["told"]>[0] | BalancerEvent

/** A first line and more below it; undefined for what is not worth one. */
export function wordsOf(event: UpEvent): readonly string[] | undefined {
  switch (event.kind) {
    case "ready": {
      const again = event.restarts === 0 ? "" : ` again (restart ${event.restarts})`
      return [`${event.replica} serves${again}, ready after ${seconds(event.tookMs)}`]
    }
    case "failed":
      if (!event.isNews) return undefined
      return [
        `${event.replica} can't be started${again(event.againInMs)}:`,
        ...event.failure.lines.map(indented),
      ]
    case "died":
      return [
        `${event.replica} ended (${event.how})${again(event.againInMs)}; any request that ran there was answered 502`,
      ]
    case "slow":
      return [
        `${event.replica} has been starting for ${seconds(event.afterMs)}; it may take ${seconds(event.startMsMax)}`,
      ]
    case "hung":
      return [`${event.replica} does not answer any more and is killed`]
    case "readiness":
      return [
        event.isReady
          ? `${event.replica} is ready again`
          : `${event.replica} is not ready and gets no requests`,
      ]
    case "draining":
      return [`${event.replica} finishes what it has, and goes`]
    case "cut-off":
      return [
        `${event.replica} was not done within ${seconds(event.afterMs)}; what still ran there was cut off`,
      ]
    case "rollout":
      return [
        `version ${event.version} is being started, ${event.replicas} of it; until it is ready the one before serves`,
      ]
    case "stands-in":
      return [
        `${event.replica} of version ${event.version} serves already: there are too few of the one before, and its source is gone`,
      ]
    case "rolled-out":
      return [`version ${event.version} serves now, after ${seconds(event.tookMs)}`]
    case "rollout-failed":
      if (!event.isNews) return undefined
      return [
        `version ${event.version} can't be served: ${event.replica} could not be started.`,
        ...event.failure.lines.map(indented),
        indented(consequence(event.stillServing, event.againInMs)),
      ]
    case "decided":
      return event.from === event.to ? undefined : [event.reasons.join("; ")]
    case "circuit":
      return [
        event.open
          ? `${event.backend} fails again and again (${event.because}) and gets no requests for now`
          : `${event.backend} gets requests again (${event.because})`,
      ]
    case "lost":
      return [
        `${event.method} ${event.path} on ${event.backend} broke off: ${event.because} (request ${event.requestId})`,
      ]
    case "refused":
      return [`a request was refused with 503: ${event.because}`]
    case "connections-full":
      return [
        `there are ${event.connectionsMax} connections; each new one costs whoever has the most an idle one, or is refused`,
      ]
    case "unread-full":
      return [
        `clients leave more than ${event.unreadBytesMax} bytes of their answers unread; who has read nothing for longest is cut off`,
      ]
    case "retried":
    case "imports":
    case "line":
      return undefined
    default:
      return event satisfies never
  }
}

function consequence(stillServing: number, againInMs: number | undefined): string {
  const serves =
    stillServing === 0
      ? "Nothing serves now."
      : `The version before goes on serving, by ${stillServing} ${stillServing === 1 ? "replica" : "replicas"}.`
  return againInMs === undefined
    ? `${serves} Save a file, and it is tried again.`
    : `${serves} It is tried again in ${seconds(againInMs)}.`
}

function again(againInMs: number | undefined): string {
  if (againInMs === undefined) return ""
  return againInMs === 0 ? ", again at once" : `, again in ${seconds(againInMs)}`
}

function indented(line: string): string {
  return `  ${line}`
}

function seconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}
