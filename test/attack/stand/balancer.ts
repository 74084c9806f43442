/** A balancer of `capstan up`, alone in a process. */
import { Balancer } from "../../../src/local/balancer/balancer.ts"
import { answering } from "./answering.ts"

export interface ToBalancer {
  readonly add?: { readonly name: string; readonly origin: string }
  readonly unready?: string
  readonly drop?: string
}

export interface BalancerState {
  readonly url: string
  readonly outstanding: Readonly<Record<string, number>>
}

const balancer = await Balancer.listen({ host: "127.0.0.1", port: 0 })

answering(async ({ add, unready, drop }: ToBalancer): Promise<BalancerState> => {
  if (add !== undefined) balancer.add({ name: add.name, origin: new URL(add.origin) })
  if (unready !== undefined) balancer.setReady(unready, false)
  if (drop !== undefined) balancer.drop(drop)
  const stats = Object.entries(balancer.stats())
  return {
    url: balancer.url,
    outstanding: Object.fromEntries(stats.map(([name, { outstanding }]) => [name, outstanding])),
  }
})
