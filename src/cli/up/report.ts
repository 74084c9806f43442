/** What `capstan up` tells of itself: the replicas, and where everything is. */
import type { LocalState } from "../../local/state.ts"

export interface UpReport extends LocalState {
  /** `Prime factors 1.0.0`; the module as it was typed, while nothing has served yet. */
  readonly title: string
  readonly docsUrl: string | null
  readonly pageUrl: string
  readonly managementUrl: string
  readonly pid: number
}
