/**
 * Secrets and config maps that a deployment names, and that are not in the namespace: its replicas
 * would wait for them. Only whether they are there is asked for, never what is in them.
 */
import type { DeploymentOptions } from "../manifests/options.ts"
import { type Api, ApiError } from "./api.ts"
import { collection } from "./resources.ts"

interface Reference {
  readonly kind: "secret" | "configmap"
  readonly name: string
}

/** In words, with what to do. */
export async function missingReferences(
  api: Api,
  namespace: string,
  options: DeploymentOptions,
): Promise<readonly string[]> {
  const named = new Map(referencesOf(options).map((each) => [`${each.kind}/${each.name}`, each]))
  const answers = await Promise.all(
    Array.from(named.values(), async (each) =>
      (await isThere(api, namespace, each)) ? [] : [inWords(each, namespace, options)],
    ),
  )
  return answers.flat()
}

function referencesOf({ env, envFrom, pullSecret }: DeploymentOptions): readonly Reference[] {
  const ofVariables = Object.values(env).flatMap((value): Reference[] => {
    if (typeof value === "string") return []
    return "secret" in value
      ? [{ kind: "secret", name: value.secret }]
      : [{ kind: "configmap", name: value.configmap }]
  })
  const pull: Reference[] = pullSecret === undefined ? [] : [{ kind: "secret", name: pullSecret }]
  return [...ofVariables, ...envFrom, ...pull]
}

async function isThere(api: Api, namespace: string, { kind, name }: Reference): Promise<boolean> {
  const path = `${collection("v1", `${kind}s`, namespace)}/${name}`
  try {
    const accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    return (await api.find(path, { accept })) !== undefined
  } catch (error) {
    // Who may not look finds out from the pods.
    if (error instanceof ApiError) return true
    throw error
  }
}

function inWords({ kind, name }: Reference, namespace: string, options: DeploymentOptions): string {
  const type =
    kind === "configmap"
      ? "configmap"
      : name === options.pullSecret
        ? "secret docker-registry"
        : "secret generic"
  const is = kind === "secret" ? "secret" : "config map"
  return `There is no ${is} ${name} in the namespace ${namespace}. Make it:  kubectl create ${type} ${name} --namespace ${namespace} …`
}
