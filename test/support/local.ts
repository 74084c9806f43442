/** Replicas on real processes and a real balancer, with a program that starts in a moment. */
import { fileURLToPath } from "node:url"
import { Pool } from "undici"
import { probes as kubeletProbes, type RunningProbes } from "../../src/core/probes.ts"
import { Balancer } from "../../src/local/balancer/balancer.ts"
import { Local, type LocalOptions, type Scaling } from "../../src/local/local.ts"
import type { ReplicaState } from "../../src/local/state.ts"
import { eventually, TemporaryFolder } from "./cli.ts"
import { patienceMs } from "./patience.ts"

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

/** A replica that is only slow is not taken for one that hangs. */
function patientProbes(): RunningProbes {
  const timeoutSeconds = patienceMs() / 1000
  const { readiness, liveness } = kubeletProbes
  return { readiness: { ...readiness, timeoutSeconds }, liveness: { ...liveness, timeoutSeconds } }
}

/** Not started yet. */
export async function localTrial(
  given: Partial<Scaling> = {},
  probes = patientProbes(),
  startingMax = 2,
  startMsMax = patienceMs(),
): Promise<LocalTrial> {
  const folder = new TemporaryFolder()
  const told: Told[] = []
  const balancer = await Balancer.listen({ host: "127.0.0.1", port: 0, waitMs: patienceMs() })
  const clients = new Pool(balancer.url, { headersTimeout: 0, bodyTimeout: 0 })
  const local = new Local({
    program: { entry, boot: { folder: folder.path, drainGraceMs: patienceMs() } },
    scaling: { ...scaling, ...given },
    balancer,
    startingMax,
    startMsMax,
    probes,
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
      const { statusCode, body } = await clients.request({ method: "GET", path })
      return `${statusCode} ${await body.text()}`
    },
    async [Symbol.asyncDispose]() {
      // A balancer that closes waits a while for what comes on connections that are kept.
      await clients.destroy()
      await local.close()
      folder[Symbol.dispose]()
    },
  }
}
