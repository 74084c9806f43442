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
  checkedVariable,
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
  const volumes = Object.values(byName(layers, "volumes", volumeFrom))
  return {
    env: byName(layers, "env", checkedVariable),
    envFrom: byText(layers, "envFrom", variableSource),
    labels: byName(layers, "labels", checkedOwnLabel),
    serviceAnnotations: byName(layers, "serviceAnnotations", checkedAnnotation),
    volumes,
    init: resolveInit(
      layers,
      volumes.map(({ path }) => path),
    ),
    resources: byName(layers, "resources", checkedResource),
    nodeSelector: byName(layers, "nodeSelector", checkedLabel),
    tolerations: byText(layers, "tolerations", tolerationFrom),
  }
}

type Texts = "envFrom" | "tolerations"
type Named = Exclude<keyof DeploymentLists, Texts | "init">

/** What all layers say by name, each read and checked. */
function byName<Option extends Named, Read>(
  layers: readonly ListsLayer[],
  option: Option,
  read: (name: string, said: NonNullable<ListsLayer[Option]>[string], where: string) => Read,
): Readonly<Record<string, Read>> {
  const all: Record<string, Read> = {}
  for (const { spelt, [option]: given = {} } of layers) {
    for (const [name, said] of Object.entries(given)) {
      all[name] = read(name, said, `${spelt(option)} ${name}`)
    }
  }
  return all
}

/** The texts of all layers, each once, read and checked. */
function byText<Read>(
  layers: readonly ListsLayer[],
  option: Texts,
  read: (text: string, where: string) => Read,
): readonly Read[] {
  const all = new Map<string, Read>()
  for (const { spelt, [option]: given = [] } of layers) {
    for (const text of given) all.set(text, read(text, spelt(option)))
  }
  return [...all.values()]
}

function checkedOwnLabel(name: string, value: string, where: string): string {
  checkedLabel(name, value, where)
  if (!isOurs(name)) return value
  throw new OptionError(`${where}: this label is Capstan's own; it finds by it what it has made.`)
}

function checkedLabel(name: string, value: string, where: string): string {
  checkKey(name, where)
  if (labelValue(value) === value) return value
  throw new OptionError(
    `${where} is ${JSON.stringify(value)}; a label's value has letters, digits, -, _ and ., 63 at most, and begins and ends with a letter or digit.`,
  )
}

function checkedAnnotation(name: string, value: string, where: string): string {
  checkKey(name, where)
  return value
}

function checkKey(name: string, where: string): void {
  if (isKey(name)) return
  throw new OptionError(`${where}: it must be called like team or example.com/team.`)
}
