/**
 * Where a deployment is to be found: `capstan open` keeps a port of this machine open to it, and so
 * does `capstan deploy` at its end where nothing else leads there.
 */
import { styleText } from "node:util"
import { type Address, addressOf } from "../kubernetes/cluster/address.ts"
import { Api } from "../kubernetes/cluster/api.ts"
import { Forward, type ForwardEvent } from "../kubernetes/cluster/forward.ts"
import { collection } from "../kubernetes/cluster/resources.ts"
import type { Deployment } from "../kubernetes/kinds.ts"
import { isMadeFor } from "../kubernetes/manifests/labels.ts"
import { ports } from "../kubernetes/manifests/objects.ts"
import { asked } from "./cluster-failure.ts"
import { type PlaceFlags, placeOf } from "./deployment-place.ts"
import { Failure } from "./failure.ts"
import { print } from "./print.ts"
import { say } from "./say.ts"
import { stoppedBySignal } from "./stop.ts"

export interface OpenFlags extends PlaceFlags {
  readonly port?: string
}

/** Resolves to 0 when it has been ended. */
export async function open(typed: string, flags: OpenFlags): Promise<0> {
  const port = flags.port === undefined ? undefined : portOf(flags.port)
  const { name, namespace: named, context } = await placeOf(typed, flags)
  return await asked<0>(async () => {
    const api = new Api(context)
    const namespace = named ?? api.namespace
    const path = `${collection("apps/v1", "deployments", namespace)}/${name}`
    const deployment = await api.find<Deployment>(path)
    if (deployment === undefined) {
      throw new Failure(
        1,
        `There is no deployment ${name} in the namespace ${namespace} of ${api.context}.`,
        "capstan deploy makes one; --namespace and --context name other places.",
      )
    }
    if (!isMadeFor(name, deployment)) {
      throw new Failure(
        1,
        `The deployment ${name} in the namespace ${namespace} of ${api.context} is not Capstan's.`,
        `kubectl leads to it:  kubectl port-forward --namespace ${namespace} deployment/${name} 8080:PORT`,
      )
    }
    return await keepOpen(api, namespace, name, port)
  })
}

/** Clouds take half a minute; where there is no cloud, waiting longer helps nobody. */
const balancerMsMax = 60_000

/**
 * Says where it is. The URL goes to standard output.
 * @param mayOpen whether to keep a port open where nothing leads there; undefined: if somebody is
 * there to see it.
 */
export async function tellAddress(
  api: Api,
  namespace: string,
  name: string,
  mayOpen: boolean | undefined,
): Promise<0> {
  const address = await addressOf(api, namespace, name, balancerMsMax, (still) => {
    for (const line of whyNot(still, api, namespace, name)) say(line)
    say(`waits for it, up to ${balancerMsMax / 1000} s`)
  })
  if (address.kind === "url") {
    print(`${address.url}\n`)
    return 0
  }
  for (const line of whyNot(address, api, namespace, name)) say(line)
  if (mayOpen ?? process.stdout.isTTY === true) return await keepOpen(api, namespace, name)
  say(`from here:  capstan open ${name} --namespace ${namespace}`)
  return 0
}

function whyNot(
  address: Exclude<Address, { kind: "url" }>,
  { local }: Api,
  namespace: string,
  name: string,
): readonly string[] {
  const profile = local?.kind === "minikube" ? ` --profile ${local.profile}` : undefined
  switch (address.kind) {
    case "silent":
      return [
        `${address.url} does not answer from here`,
        ...(profile === undefined
          ? []
          : [
              `minikube can lead to it:  minikube service ${name} --namespace ${namespace}${profile}`,
            ]),
      ]
    case "pending":
      return [
        "the load balancer has no address",
        ...(profile === undefined
          ? []
          : [
              `minikube gives it one while this runs in another terminal:  minikube tunnel${profile}`,
            ]),
      ]
    case "unrouted":
      return [`the Gateway does not route to it: ${address.why}`]
    case "inside":
      return [`inside the cluster it is http://${name}.${namespace}`]
    default:
      return address satisfies never
  }
}

/** The port of `capstan dev` and `serve`, so that what is bookmarked stays the same. */
const portDefault = ports.api

async function keepOpen(api: Api, namespace: string, name: string, port?: number): Promise<0> {
  const options = { namespace, name, podPort: ports.api, said: tell }
  await using forward = await listen(api, options, port)
  await forward.look()
  print(`${forward.url}\n`)
  if (process.stdout.isTTY) {
    say(styleText("dim", `documentation at ${forward.url}/docs; Ctrl-C closes it`))
  }
  await stoppedBySignal({ drain: async () => {}, said: () => {} })
  return 0
}

async function listen(
  api: Api,
  options: Omit<Parameters<typeof Forward.listen>[1], "port">,
  port: number | undefined,
): Promise<Forward> {
  try {
    return await Forward.listen(api, { ...options, port: port ?? portDefault })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== "EADDRINUSE" && code !== "EACCES") throw error
    if (port === undefined) return await Forward.listen(api, { ...options, port: 0 })
    const why =
      code === "EACCES" ? "may not be listened on by this user" : "is in use by another program"
    throw new Failure(1, `Port ${port} ${why}.`, "Take another with --port; 0 takes a free one.")
  }
}

function tell(event: ForwardEvent): void {
  switch (event.kind) {
    case "replicas":
      say(
        event.names.length === 0
          ? "no replica is ready; connections wait for one"
          : `leads to ${event.names.join(", ")}`,
      )
      break
    case "failed":
      say(`a connection failed: ${event.why}`)
      break
    default:
      event satisfies never
  }
}

function portOf(typed: string): number {
  const port = /^\d{1,5}$/.test(typed) ? Number(typed) : Number.NaN
  if (port <= 65_535) return port
  throw new Failure(
    2,
    `--port is ${JSON.stringify(typed)}; it must be a whole number from 0 to 65535.`,
  )
}
