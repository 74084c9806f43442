/** Where a deployed service can be reached from here. */
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import type { Gateway, HttpRoute } from "../installed-kinds.ts"
import type { Node, Service } from "../kinds.ts"
import { type Api, ApiError } from "./api.ts"
import { collection } from "./resources.ts"

export type Address =
  | { readonly kind: "url"; readonly url: string }
  /** There is one, and it does not answer from here. */
  | { readonly kind: "silent"; readonly url: string }
  /** The load balancer has no address yet. */
  | { readonly kind: "pending" }
  /** The Gateway has not taken the route. */
  | { readonly kind: "unrouted"; readonly why: string }
  | { readonly kind: "inside" }

/** What there may be an address of in a moment. */
type NotYet = Extract<Address, { kind: "pending" | "unrouted" }>
type Routed = Extract<Address, { kind: "url" | "unrouted" }>

/**
 * @param patienceMs how long a load balancer or a Gateway may take.
 * @param waits told once what it waits for, if it does.
 */
export async function addressOf(
  api: Api,
  namespace: string,
  name: string,
  patienceMs: number,
  waits: (still: NotYet) => void,
): Promise<Address> {
  const path = `${collection("v1", "services", namespace)}/${name}`
  const endMs = performance.now() + patienceMs
  let told = false
  const wait = async (still: NotYet): Promise<void> => {
    if (!told) waits(still)
    told = true
    await sleep(1000)
  }
  const isRouted = (await routeOf(api, namespace, name)) !== undefined
  for (;;) {
    const { spec, status } = await api.json<Service>(path)
    const port = spec?.ports?.[0]
    if (isRouted) {
      const routed = await routeAddress(api, namespace, name)
      if (routed.kind === "url" || performance.now() > endMs) return routed
      await wait(routed)
      continue
    }
    switch (spec?.type) {
      case "NodePort":
        return await nodeAddress(api, port?.nodePort ?? 0)
      case "LoadBalancer": {
        const ingress = status?.loadBalancer?.ingress?.[0]
        const host = ingress?.hostname ?? ingress?.ip
        if (host !== undefined) return { kind: "url", url: urlOf("http", host, port?.port ?? 80) }
        if (performance.now() > endMs) return { kind: "pending" }
        await wait({ kind: "pending" })
        break
      }
      default:
        return { kind: "inside" }
    }
  }
}

const gatewayApi = "gateway.networking.k8s.io/v1"

async function routeOf(api: Api, namespace: string, name: string): Promise<HttpRoute | undefined> {
  return await readable(
    api.find<HttpRoute>(`${collection(gatewayApi, "httproutes", namespace)}/${name}`),
  )
}

async function routeAddress(api: Api, namespace: string, name: string): Promise<Routed> {
  const route = await routeOf(api, namespace, name)
  const parent = route?.spec?.parentRefs[0]
  const where = collection(gatewayApi, "gateways", parent?.namespace ?? namespace)
  const gateway = await readable(api.find<Gateway>(`${where}/${parent?.name}`))
  return addressByRoute(route ?? {}, gateway)
}

/** @param gateway undefined when it is not there, or may not be read. */
export function addressByRoute(route: HttpRoute, gateway: Gateway | undefined): Routed {
  const conditions = route.status?.parents?.flatMap((parent) => parent.conditions ?? []) ?? []
  const accepted = conditions.find(({ type }) => type === "Accepted")
  if (accepted?.status !== "True") {
    const why = accepted?.message ?? "no Gateway of that name has answered for it"
    return { kind: "unrouted", why }
  }
  const wanted = route.spec?.hostnames?.[0]
  const host = wanted?.startsWith("*") ? undefined : wanted
  const listeners = gateway?.spec?.listeners ?? []
  const listener = listeners.find(({ protocol }) => protocol === "HTTPS") ?? listeners[0]
  const scheme = listener?.protocol === "HTTPS" ? "https" : "http"
  const named = host ?? gateway?.status?.addresses?.[0]?.value
  if (named === undefined) return { kind: "unrouted", why: "the Gateway has no address yet" }
  return { kind: "url", url: urlOf(scheme, named, listener?.port ?? 80) }
}

/** What one may not read, one does not know. */
async function readable<T>(asked: Promise<T | undefined>): Promise<T | undefined> {
  return await asked.catch((error: unknown) => {
    if (error instanceof ApiError) return undefined
    throw error
  })
}

/** Every node answers on the port, but not every node's address can be reached from everywhere. */
async function nodeAddress(api: Api, port: number): Promise<Address> {
  const nodes = (await readable(api.list<Node>("/api/v1/nodes", { limit: "10" }))) ?? []
  const addresses = nodes.flatMap(({ status }) => status?.addresses ?? [])
  const ofType = (type: string): string[] =>
    addresses.filter((each) => each.type === type).map(({ address }) => address)
  const server = new URL(api.server).hostname
  const hosts = [server, ...ofType("ExternalIP"), ...ofType("InternalIP")]
  // A replica is ready a moment before every node knows where to send what comes to the port.
  const endMs = performance.now() + nodePortMsMax
  do {
    const answering = await Promise.all(hosts.map((host) => answers(host, port)))
    const host = hosts[answering.indexOf(true)]
    if (host !== undefined) return { kind: "url", url: urlOf("http", host, port) }
    await sleep(200)
  } while (performance.now() < endMs)
  return { kind: "silent", url: urlOf("http", hosts.at(-1) ?? server, port) }
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

function urlOf(scheme: "http" | "https", host: string, port: number): string {
  const name = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host
  const isUsual = port === (scheme === "http" ? 80 : 443)
  return isUsual ? `${scheme}://${name}` : `${scheme}://${name}:${port}`
}
