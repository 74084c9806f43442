/**
 * What is said about a deployment by name, several of a kind: variables, labels, volumes and their
 * like. Layers add up, by name; what is said of the same name later goes over what was said before.
 */
import { isKey, labelValue } from "../name.ts"
import { OptionError } from "../option.ts"
import { type Init, type InitConfig, resolveInit } from "./init.ts"
import { isOurs } from "./labels.ts"
import { checkedResource, type Toleration, tolerationFrom } from "./placement.ts"
import {
  checkVariable,
  type EnvironmentValue,
  type VariableSource,
  variableSource,
} from "./variables.ts"
import { type Volume, type VolumeText, volumeFrom } from "./volumes.ts"

/** What is not one value but several, by name. */
export interface DeploymentLists {
  /** Environment variables. */
  readonly env?: Readonly<Record<string, EnvironmentValue>>
  /** `secret/NAME` or `configmap/NAME`: every key of it becomes a variable. */
  readonly envFrom?: readonly string[]
  /** Labels of yours, on everything that is made. */
  readonly labels?: Readonly<Record<string, string>>
  /** Annotations of the Service: what a cloud's load balancer is told by. */
  readonly serviceAnnotations?: Readonly<Record<string, string>>
  /** By the path where they are mounted: `{ "/models": "emptydir/2Gi" }`. */
  readonly volumes?: Readonly<Record<string, VolumeText>>
  /** A container that has to end well before the service starts: it fetches a model, say. */
  readonly init?: InitConfig
  /** Extended resources of a replica, whole ones: `{ "nvidia.com/gpu": 1 }`. */
  readonly resources?: Readonly<Record<string, number>>
  /** Labels that a node must have to take a replica. */
  readonly nodeSelector?: Readonly<Record<string, string>>
  /** Taints that do not keep replicas off: `nvidia.com/gpu`, `dedicated=models:NoSchedule`. */
  readonly tolerations?: readonly string[]
}

/** What one source says of them. */
export interface ListsLayer extends DeploymentLists {
  /** How this source spells an option, for messages. */
  readonly spelt: (name: string) => string
}

/** What has come of all layers. */
export interface ResolvedLists {
  readonly env: Readonly<Record<string, EnvironmentValue>>
  readonly envFrom: readonly VariableSource[]
  readonly labels: Readonly<Record<string, string>>
  readonly serviceAnnotations: Readonly<Record<string, string>>
  readonly volumes: readonly Volume[]
  readonly init: Init | undefined
  readonly resources: Readonly<Record<string, number>>
  readonly nodeSelector: Readonly<Record<string, string>>
  readonly tolerations: readonly Toleration[]
}

/** @throws {OptionError} on anything that Kubernetes would not take, or that could not work. */
export function resolveLists(layers: readonly ListsLayer[]): ResolvedLists {
  const env: Record<string, EnvironmentValue> = {}
  const envFrom = new Map<string, VariableSource>()
  const labels: Record<string, string> = {}
  const serviceAnnotations: Record<string, string> = {}
  const volumes = new Map<string, Volume>()
  const resources: Record<string, number> = {}
  const nodeSelector: Record<string, string> = {}
  const tolerations = new Map<string, Toleration>()
  for (const layer of layers) {
    const { spelt } = layer
    for (const [name, value] of Object.entries(layer.env ?? {})) {
      checkVariable(name, value, `${spelt("env")} ${name}`)
      env[name] = value
    }
    for (const text of layer.envFrom ?? []) {
      envFrom.set(text, variableSource(text, spelt("envFrom")))
    }
    for (const [name, value] of Object.entries(layer.labels ?? {})) {
      checkLabel(name, value, `${spelt("labels")} ${name}`)
      if (isOurs(name)) {
        throw new OptionError(
          `${spelt("labels")} ${name}: this label is Capstan's own; it finds by it what it has made.`,
        )
      }
      labels[name] = value
    }
    for (const [name, value] of Object.entries(layer.serviceAnnotations ?? {})) {
      checkKey(name, `${spelt("serviceAnnotations")} ${name}`)
      serviceAnnotations[name] = value
    }
    for (const [path, text] of Object.entries(layer.volumes ?? {})) {
      volumes.set(path, volumeFrom(path, text, `${spelt("volumes")} ${path}`))
    }
    for (const [name, count] of Object.entries(layer.resources ?? {})) {
      resources[name] = checkedResource(name, count, `${spelt("resources")} ${name}`)
    }
    for (const [name, value] of Object.entries(layer.nodeSelector ?? {})) {
      checkLabel(name, value, `${spelt("nodeSelector")} ${name}`)
      nodeSelector[name] = value
    }
    for (const text of layer.tolerations ?? []) {
      tolerations.set(text, tolerationFrom(text, spelt("tolerations")))
    }
  }
  return {
    env,
    envFrom: [...envFrom.values()],
    labels,
    serviceAnnotations,
    volumes: [...volumes.values()],
    init: resolveInit(layers, [...volumes.keys()]),
    resources,
    nodeSelector,
    tolerations: [...tolerations.values()],
  }
}

function checkLabel(name: string, value: string, where: string): void {
  checkKey(name, where)
  if (labelValue(value) !== value) {
    throw new OptionError(
      `${where} is ${JSON.stringify(value)}; a label's value has letters, digits, -, _ and ., 63 at most, and begins and ends with a letter or digit.`,
    )
  }
}

function checkKey(name: string, where: string): void {
  if (isKey(name)) return
  throw new OptionError(`${where}: it must be called like team or example.com/team.`)
}
