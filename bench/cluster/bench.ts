/** A measurement on a cluster: once, and as long as it takes. */
import type { Outcome } from "../report.ts"

export interface ClusterBench {
  readonly name: string
  readonly question: string
  /** @param options how long clients load a service, where a bench has no end of its own. */
  run(options: { readonly seconds: number }): Promise<Outcome>
}
