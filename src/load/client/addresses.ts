/**
 * The addresses of a host, asked for again and again: a load that remembers the first answer for
 * ever goes to one address, whatever replicas and balancers there are by now. A name is looked up for
 * every new connection, though at most once a second, and its addresses are taken in turn.
 */
import { promises as dns, type LookupAddress } from "node:dns"
import type { LookupFunction } from "node:net"
import type { Clock } from "../../core/clock.ts"

const askAgainMs = 1000

export type Resolve = (host: string) => Promise<readonly LookupAddress[]>

/** A `lookup` for sockets. */
export function addressesInTurn(
  clock: Clock,
  resolve: Resolve = (host) => dns.lookup(host, { all: true }),
): LookupFunction {
  let asked: { host: string; atMs: number; answer: ReturnType<Resolve> } | undefined
  let turn = 0
  return (host, { all, family }, callback) => {
    const nowMs = clock()
    if (asked === undefined || asked.host !== host || nowMs - asked.atMs >= askAgainMs) {
      asked = { host, atMs: nowMs, answer: resolve(host) }
    }
    asked.answer.then(
      (addresses) => {
        const found = turned(addresses, turn++).filter(
          (address) => !(family === 4 || family === 6) || address.family === family,
        )
        if (all === true) callback(null, found)
        else callback(null, found[0]?.address ?? "", found[0]?.family)
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    )
  }
}

/** Each family in turn, but the families in the order that the system prefers: one may not work. */
function turned(addresses: readonly LookupAddress[], turn: number): LookupAddress[] {
  const families = [...new Set(addresses.map(({ family }) => family))]
  return families.flatMap((family) => {
    const own = addresses.filter((address) => address.family === family)
    const first = turn % own.length
    return [...own.slice(first), ...own.slice(0, first)]
  })
}
