/** Starts what carries a worker. */
import { type Carrier, type CarrierEvents, Unstarted } from "./carrier.ts"
import { ProcessCarrier } from "./process-carrier.ts"
import { ThreadCarrier } from "./thread-carrier.ts"
import type { WorkerOptions } from "./worker-contract.ts"

/** What can't be started, for want of memory say, is one that ends at once. */
export function startCarrier(options: WorkerOptions, events: CarrierEvents): Carrier {
  try {
    return options.isolation === "process"
      ? new ProcessCarrier(options, events)
      : new ThreadCarrier(options, events)
  } catch (error) {
    return new Unstarted(error, events)
  }
}
