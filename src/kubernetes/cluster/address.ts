/** Where a deployed service can be reached from here. */
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import type { V1Node, V1Service } from "@kubernetes/client-node"
import { type Api, ApiError } from "./api.ts"
import { collection } from "./resources.ts"

export type Address =
  | { readonly kind: "url"; readonly url: string }
  /** There is one, and it does not answer from here. */
  | { readonly kind: "silent"; readonly url: string }
  /** The load balancer has no address yet. */
  | { readonly kind: "pending" }
  | { readonly kind: "inside" }

/** @param patienceMs how long a load balancer may take to get its address. */
export async function addressOf(
  api: Api,
  namespace: string,
  name: string,
  patienceMs: number,
): Promise<Address> {
  const path = `${collection("v1", "services", namespace)}/${name}`
  const endMs = performance.now() + patienceMs
  for (;;) {
    const { spec, status } = await api.json<V1Service>(path)
    const port = spec?.ports?.[0]
    switch (spec?.type) {
      case "NodePort":
        return await nodeAddress(api, port?.nodePort ?? 0)
      case "LoadBalancer": {
        const ingress = status?.loadBalancer?.ingress?.[0]
        const host = ingress?.hostname ?? ingress?.ip
        if (host !== undefined) return { kind: "url", url: urlOf(host, port?.port ?? 80) }
        if (performance.now() > endMs) return { kind: "pending" }
        await sleep(1000)
        break
      }
      default:
        return { kind: "inside" }
    }
  }
}

/** Every node answers on the port, but not every node's address can be reached from everywhere. */
async function nodeAddress(api: Api, port: number): Promise<Address> {
  const nodes = await api.list<V1Node>("/api/v1/nodes", { limit: "10" }).catch((error: unknown) => {
    if (error instanceof ApiError) return []
    throw error
  })
  const addresses = nodes.flatMap(({ status }) => status?.addresses ?? [])
  const ofType = (type: string): string[] =>
    addresses.filter((each) => each.type === type).map(({ address }) => address)
  const server = new URL(api.server).hostname
  const hosts = [server, ...ofType("ExternalIP"), ...ofType("InternalIP")]
  // A replica is ready a moment before every node knows where to send what comes to the port.
  const endMs = performance.now() + nodePortMsMax
  do {
    for (const host of hosts) {
      if (await answers(host, port)) return { kind: "url", url: urlOf(host, port) }
    }
    await sleep(200)
  } while (performance.now() < endMs)
  return { kind: "silent", url: urlOf(hosts.at(-1) ?? server, port) }
}

const connectMsMax = 1500
const nodePortMsMax = 10_000

async function answers(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host: host.replace(/^\[|\]$/g, ""), port, timeout: connectMsMax })
  socket.on("connect", () => resolve(true))
  socket.on("timeout", () => resolve(false))
  socket.on("error", () => resolve(false))
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}

function urlOf(host: string, port: number): string {
  const name = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host
  return port === 80 ? `http://${name}` : `http://${name}:${port}`
}
