/**
 * Being told when a response is over: sent, or given up.
 *
 * Several want to know that of each response, and must not be listeners of its `close` beside each
 * other. From the second listener on, an emitter keeps an array of them, made in one line of
 * node:events for all. Of the responses under way at a time nearly all outlive a young collection;
 * once V8 has seen that, it may make those arrays where the old live ("allocation site pretenuring"),
 * from which each, dead or not, holds its listeners, and with them its request, until the next full
 * collection. In a process that this befell every request was copied twice, a collection took 7 ms
 * instead of 0.5, and a request half as much CPU again. It depends on chance, and stays.
 */
import type { ServerResponse } from "node:http"

const told = Symbol("capstan.closed")

interface Told {
  [told]?: () => void
}

/** Calls `then` when the response's `close` comes, after those who have asked before. */
export function whenClosed(response: ServerResponse, then: () => void): void {
  const known = response as ServerResponse & Told
  const before = known[told]
  if (before === undefined) {
    known[told] = then
    response.on("close", tell)
  } else {
    // By a name, since V8 makes a function that is assigned to a property where the old live, too.
    const both = (): void => {
      before()
      then()
    }
    known[told] = both
  }
}

function tell(this: Told): void {
  this[told]?.()
}
