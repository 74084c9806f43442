/** A peer under load for one measurement: started, loaded, read, ended. */
import { generate } from "./generator/generate.ts"
import type { Plan, Report, Stream, StreamReport } from "./generator/plan.ts"
import type { Server, Usage } from "./harness.ts"
import type { Peer, RunningPeer, StartOptions } from "./peers/peers.ts"
import type { Column, Figures } from "./report.ts"

export interface Measured {
  readonly streams: Readonly<Record<string, StreamReport>>
  readonly generatorCores: number
  /** Of the server, within the measured time. */
  readonly used: Usage
}

/** Puts `plan` on a fresh server of this peer. */
export async function measurePeer(
  peer: Peer,
  options: StartOptions,
  plan: (running: RunningPeer) => Plan,
): Promise<Measured> {
  await using running = await peer.start(options)
  return await underLoad(running, plan(running))
}

export async function underLoad(running: Pick<Server, "usage">, plan: Plan): Promise<Measured> {
  let before = running.usage()
  let after = before
  const report: Report = await generate(plan, {
    begin: () => {
      before = running.usage()
    },
    end: () => {
      after = running.usage()
    },
  })
  return { ...report, used: difference(before, after) }
}

/** Endless patience: for loads that are not about giving up. */
const patientMs = 30_000

export function helloStream(origin: string, connections: number, bodies: string[]): Stream {
  return {
    name: "hello",
    origin,
    method: "POST",
    path: "/api/v1/hello",
    bodies,
    arrivals: { kind: "closed", connections },
    timeoutMs: patientMs,
  }
}

/** Calls that do nothing, as fast as they are answered. */
export function emptyStream(origin: string, arrivals: Stream["arrivals"]): Stream {
  return { name: "empty", origin, method: "GET", path: "/empty", arrivals, timeoutMs: patientMs }
}

/** Calls of 20 ms that come by chance, whatever the server does. */
export function spin20Stream(origin: string, ratePerSecond: number, timeoutMs: number): Stream {
  const arrivals = { kind: "poisson", ratePerSecond } as const
  return { name: "spin20", origin, method: "GET", path: "/spin20", arrivals, timeoutMs }
}

/** Asks for something quick at even times, and looks how long it takes. */
export function probe(
  name: string,
  origin: string,
  path: string,
  ratePerSecond: number,
  freshConnections: boolean,
): Stream {
  return {
    name,
    origin,
    method: "GET",
    path,
    arrivals: { kind: "constant", ratePerSecond },
    freshConnections,
    timeoutMs: 10_000,
  }
}

export function streamOf({ streams }: Measured, name: string): StreamReport {
  const stream = streams[name]
  if (stream === undefined) throw new Error(`The generator left out the stream "${name}".`)
  return stream
}

/** What every table tells of both sides, so that the one is not mistaken for the other. */
export const machineColumns: readonly Column[] = [
  { key: "serverCores", title: "server, cores", digits: 2 },
  { key: "generatorCores", title: "generator, cores", digits: 2 },
]

export function machineFigures({ used, generatorCores }: Measured): Figures {
  return { serverCores: used.cpuMs / used.atMs, generatorCores }
}

/** How late the generator itself was. */
export const lagColumn: Column = { key: "lagP99", title: "generator lag p99, ms", digits: 1 }

function difference(before: Usage, after: Usage): Usage {
  return {
    atMs: after.atMs - before.atMs,
    cpuMs: after.cpuMs - before.cpuMs,
    begun: after.begun - before.begun,
  }
}
