/**
 * How it is found out how a replica is. The same on a cluster, where the kubelet asks, and on one
 * machine, where `capstan up` does: what a person learns of it here holds there.
 *
 * The fields are those of a probe in Kubernetes: asked every `periodSeconds`; no answer within
 * `timeoutSeconds`, or one that is not 2xx or 3xx, is a failure; so many in a row decide.
 */
export interface Probe {
  /** On the management port. */
  readonly path: string
  readonly periodSeconds: number
  readonly timeoutSeconds: number
  readonly failureThreshold: number
}

/** Which of them a replica is asked once it runs. */
export interface RunningProbes {
  /** Whether it is sent requests. */
  readonly readiness: Probe
  /** Whether it is ended and started again. */
  readonly liveness: Probe
}

export const probes = {
  /** A minute for a slow `setup` before liveness counts. */
  startup: { path: "/livez", periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 60 },
  readiness: { path: "/readyz", periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 3 },
  liveness: { path: "/livez", periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
} as const satisfies RunningProbes & { readonly startup: Probe }
