/**
 * What a deployment names and what is not there: secrets and config maps, for which its replicas would
 * wait, and the Gateway, without which nothing reaches it. Only whether they are there is asked for,
 * never what is in them.
 */
import type { DeploymentOptions } from "../manifests/options.ts"
import type { EnvironmentValue } from "../manifests/variables.ts"
import { type Api, ApiError } from "./api.ts"
import { collection } from "./resources.ts"

interface Reference {
  readonly path: string
  /** What to say when it is not there. */
  readonly missing: string
}

/** In words, with what to do. */
export async function missingReferences(
  api: Api,
  namespace: string,
  options: DeploymentOptions,
): Promise<readonly string[]> {
  const named = new Map(referencesOf(options, namespace).map((each) => [each.path, each]))
  const answers = await Promise.all(
    Array.from(named.values(), async ({ path, missing }) =>
      (await isThere(api, path)) ? [] : [missing],
    ),
  )
  return answers.flat()
}

function referencesOf(
  { env, envFrom, pullSecret, gateway, init, volumes }: DeploymentOptions,
  namespace: string,
): readonly Reference[] {
  const secret = (name: string): Reference => kept("secret", name, namespace)
  const configMap = (name: string): Reference => kept("configmap", name, namespace)
  return [
    ...[env, init?.env ?? {}]
      .flatMap(Object.values<EnvironmentValue>)
      .flatMap((value): Reference[] => {
        if (typeof value === "string") return []
        return "secret" in value ? [secret(value.secret)] : [configMap(value.configmap)]
      }),
    ...envFrom.map(({ kind, name }) => (kind === "secret" ? secret(name) : configMap(name))),
    ...volumes.flatMap(({ kind, of = "" }) => {
      if (kind === "secret") return [secret(of)]
      return kind === "configmap" ? [configMap(of)] : []
    }),
    // Behind the others, so that of a secret that is named twice it is told how to make this kind.
    ...(pullSecret === undefined ? [] : [kept("secret docker-registry", pullSecret, namespace)]),
    ...(gateway === undefined ? [] : [gatewayAt(gateway, namespace)]),
  ]
}

function kept(
  type: "secret" | "secret docker-registry" | "configmap",
  name: string,
  namespace: string,
): Reference {
  const isSecret = type !== "configmap"
  const is = isSecret ? "secret" : "config map"
  const made = type === "secret" ? "secret generic" : type
  return {
    path: `${collection("v1", isSecret ? "secrets" : "configmaps", namespace)}/${name}`,
    missing: `There is no ${is} ${name} in the namespace ${namespace}. Make it:  kubectl create ${made} ${name} --namespace ${namespace} …`,
  }
}

function gatewayAt(gateway: string, own: string): Reference {
  const [name = "", namespace = own] = gateway.split("/").toReversed()
  return {
    path: `${collection("gateway.networking.k8s.io/v1", "gateways", namespace)}/${name}`,
    missing: `There is no Gateway ${name} in the namespace ${namespace}: nothing would be routed. Those that there are:  kubectl get gateways --all-namespaces`,
  }
}

async function isThere(api: Api, path: string): Promise<boolean> {
  try {
    const accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    return (await api.find(path, { accept })) !== undefined
  } catch (error) {
    // Who may not look finds out from the pods.
    if (error instanceof ApiError) return true
    throw error
  }
}
