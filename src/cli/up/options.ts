/**
 * What `capstan up` can be told beside the settings of the service: a table like that of a
 * deployment, with the deployment's own rows where they mean the same.
 */

import { type DeploymentLayer, deploymentTable } from "../../kubernetes/manifests/options.ts"
import { asTyped, checked, type OptionSpec } from "../../kubernetes/option.ts"
import { milliCpu } from "../../kubernetes/quantity.ts"
import type { Scaling } from "../../local/local.ts"
import { kubernetesSyncMs } from "../../local/pace.ts"
import { flag } from "../../service/settings.ts"
import { Failure } from "../failure.ts"
import { webPortDefault } from "../load-flags.ts"
import { understood } from "../understood.ts"

export const upTable = {
  minReplicas: {
    ...deploymentTable.minReplicas,
    default: 1,
    why: "On one machine a second replica protects from little; on a cluster it is 2.",
  },
  maxReplicas: {
    ...deploymentTable.maxReplicas,
    doc: "Replicas that there are at most. Left out: 10, or as many as the machine has room for.",
    why: "As on a cluster, where what has no room waits for another node.",
  },
  targetCpu: deploymentTable.targetCpu,
  cpu: {
    ...deploymentTable.cpu,
    doc: "CPU request of a replica: what it is reckoned to need. No limit: it may use what the others leave.",
  },
  signal: {
    kind: "choice",
    default: "cpu",
    choices: ["cpu", "demand"],
    doc: "What the autoscaler goes by: the CPU that was used, or the CPU that was asked for, refused requests included.",
    why: "It is what every cluster has.",
  },
  syncMs: {
    kind: "integer",
    default: kubernetesSyncMs,
    min: 1_000,
    max: 600_000,
    doc: "How often the autoscaler looks, in milliseconds. Its other times, windows and policies, shrink and grow with it.",
    why: "It is how often it does in Kubernetes.",
  },
  webPort: {
    kind: "integer",
    default: webPortDefault,
    min: 0,
    max: 65_535,
    doc: "Port of the live page, on 127.0.0.1. 0 takes a free one.",
    why: "It is that of `capstan load`.",
  },
  stages: {
    kind: "text",
    default: undefined,
    doc: "What the page's form begins with, as for `capstan load`: 0:10/s,1m:200/s. Left out: 10 users.",
    why: "Only you know what your service can take.",
  },
} as const satisfies Readonly<Record<string, OptionSpec>>

type UpOptionName = keyof typeof upTable

/** What a deployment has as well, and the configuration file may say. */
type SharedName = UpOptionName & keyof DeploymentLayer["values"]

/** Values as typed, by name. */
export type UpFlags = { readonly [Name in UpOptionName]?: string | undefined }

export interface UpOptions {
  readonly scaling: Scaling
  /** Worker threads of each replica, unless a setting says otherwise. */
  readonly workers: number
  readonly webPort: number
  readonly stages: string | undefined
}

/**
 * @param cores of this machine, or what a quota leaves of it.
 * @param configured what the configuration file says of the deployment, the stronger last; of it
 * counts what the two have in common.
 * @throws {Failure} on a value out of range, and when the machine has no room for what is asked.
 */
export function resolveUp(
  flags: UpFlags,
  cores: number,
  configured: readonly DeploymentLayer[] = [],
): UpOptions {
  const given = (name: UpOptionName): unknown => {
    const spec: OptionSpec = upTable[name]
    const typed = flags[name]
    const inFile = configured.findLast(({ values }) => values[name as SharedName] !== undefined)
    return understood(() => {
      if (typed !== undefined) return checked(spec, asTyped(spec, typed), flag(name))
      if (inFile === undefined) return spec.default
      return checked(spec, inFile.values[name as SharedName], inFile.spelt(name))
    })
  }
  const cpu = given("cpu") as string
  const cpuMilli = milliCpu(cpu)
  const room = Math.floor((cores * 1000) / cpuMilli)
  const minReplicas = given("minReplicas") as number
  const asked = given("maxReplicas") as number
  const machine = `this machine has ${shownCores(cores)}`
  if (room === 0) {
    throw new Failure(2, `--cpu is ${cpu}: more than there is, ${machine}.`)
  }
  const wanted = flags.maxReplicas === undefined ? minReplicas : Math.max(minReplicas, asked)
  if (wanted > room) {
    throw new Failure(
      2,
      `${wanted} replicas of ${cpu} need ${shownCores((wanted * cpuMilli) / 1000)}; ${machine}, room for ${room}.`,
      `Ask for fewer with ${flag("maxReplicas")} and ${flag("minReplicas")}, or for less with --cpu.`,
    )
  }
  const maxReplicas = flags.maxReplicas === undefined ? Math.min(asked, room) : asked
  if (minReplicas > maxReplicas) {
    throw new Failure(
      2,
      `${flag("minReplicas")} is ${minReplicas} and ${flag("maxReplicas")} ${maxReplicas}: at least cannot be more than at most.`,
    )
  }
  return {
    scaling: {
      minReplicas,
      maxReplicas,
      targetPercent: given("targetCpu") as number,
      cpuMilli,
      signal: given("signal") as Scaling["signal"],
      syncMs: given("syncMs") as number,
    },
    // As the manifests do it: without a limit a process sees all cores, and would take as many.
    workers: Math.max(1, Math.min(Math.ceil(cpuMilli / 1000), Math.floor(cores))),
    webPort: given("webPort") as number,
    stages: given("stages") as string | undefined,
  }
}

function shownCores(cores: number): string {
  const rounded = Math.round(cores * 100) / 100
  return `${rounded} ${rounded === 1 ? "core" : "cores"}`
}
