/** Replicas on real processes and a real balancer, with a program that starts in a moment. */
import { fileURLToPath } from "node:url"
import type { RunningProbes } from "../../src/core/probes.ts"
import { Balancer } from "../../src/local/balancer/balancer.ts"
import { Local, type LocalOptions, type Scaling } from "../../src/local/local.ts"
import type { ReplicaState } from "../../src/local/state.ts"
import { eventually, TemporaryFolder } from "./cli.ts"

type Told = Parameters<LocalOptions["told"]>[0]

const entry = fileURLToPath(new URL("../fixtures/local/replica.ts", import.meta.url))

const scaling: Scaling = {
  minReplicas: 1,
  maxReplicas: 5,
  targetPercent: 70,
  cpuMilli: 500,
  signal: "cpu",
  // Longer than any test: what is decided is told by the test.
  syncMs: 600_000,
}

export interface LocalTrial extends AsyncDisposable {
  readonly local: Local
  readonly folder: TemporaryFolder
  readonly url: string
  readonly told: readonly Told[]
  /** Waits until something like that was told, from `from` on. */
  event<Kind extends Told["kind"]>(
    kind: Kind,
    from?: number,
  ): Promise<Extract<Told, { kind: Kind }>>
  /** Waits until the replicas are as wanted. */
  until(
    wanted: (replicas: readonly ReplicaState[]) => boolean,
    what: string,
  ): Promise<readonly ReplicaState[]>
  get(path: string): Promise<string>
}

/** Not started yet. */
export async function localTrial(
  given: Partial<Scaling> = {},
  probes?: RunningProbes,
  startingMax = 2,
  startMsMax = 10_000,
): Promise<LocalTrial> {
  const folder = new TemporaryFolder()
  const told: Told[] = []
  const balancer = await Balancer.listen({ host: "127.0.0.1", port: 0 })
  const local = new Local({
    program: { entry, boot: { folder: folder.path } },
    scaling: { ...scaling, ...given },
    balancer,
    startingMax,
    startMsMax,
    ...(probes === undefined ? {} : { probes }),
    told: (event) => told.push(event),
  })
  return {
    local,
    folder,
    url: balancer.url,
    told,
    event: (kind, from = 0) =>
      eventually(() => {
        const found = told.slice(from).find((event) => event.kind === kind)
        return found as Extract<Told, { kind: typeof kind }> | undefined
      }, `the event ${kind}`),
    until: (wanted, what) =>
      eventually(() => {
        const { replicas } = local.state()
        return wanted(replicas) ? replicas : undefined
      }, what),
    async get(path) {
      const response = await fetch(balancer.url + path)
      return `${response.status} ${await response.text()}`
    },
    async [Symbol.asyncDispose]() {
      await local.close()
      folder[Symbol.dispose]()
    },
  }
}
