/** Flags for what is said of a deployment by name, several of a kind; each may be said again. */
import { type Command, Option } from "commander"
import type { InitConfig } from "../kubernetes/manifests/init.ts"
import type { DeploymentLists, ListsLayer } from "../kubernetes/manifests/lists.ts"
import type { VolumeText } from "../kubernetes/manifests/volumes.ts"
import { flag } from "../service/settings.ts"
import { Failure } from "./failure.ts"
import { repeated } from "./option-flags.ts"

/** By the name that the configuration file has for it. */
const flags = {
  env: {
    flag: "--env",
    value: "NAME=value",
    doc: "An environment variable; what is secret comes by --env-from",
  },
  envFrom: {
    flag: "--env-from",
    value: "kind/name",
    doc: "secret/NAME or configmap/NAME: each of its keys becomes a variable",
  },
  labels: {
    flag: "--label",
    value: "key=value",
    doc: "A label of yours on everything that is made",
  },
  serviceAnnotations: {
    flag: "--service-annotation",
    value: "key=value",
    doc: "An annotation of the Service, as clouds want them for load balancers",
  },
  volumes: {
    flag: "--volume",
    value: "path=source",
    doc: "What is mounted at a path: emptydir/SIZE, claim/NAME, configmap/NAME or secret/NAME, with :ro behind it to be read only",
  },
  "init.image": {
    flag: "--init-image",
    value: "image",
    doc: "The image of a container that has to end well before the service starts. Left out: the service's own",
  },
  "init.command": {
    flag: "--init-command",
    value: "word",
    doc: "What that container runs, a word each time",
  },
  "init.args": {
    flag: "--init-arg",
    value: "word",
    doc: "What its command is given, a word each time",
  },
  "init.env": {
    flag: "--init-env",
    value: "NAME=value",
    doc: "An environment variable of that container",
  },
  "init.mounts": {
    flag: "--init-mount",
    value: "path",
    doc: "A path of --volume that it has, to write to. Left out: all of them",
  },
  resources: {
    flag: "--resource",
    value: "name=n",
    doc: "An extended resource of a replica, nvidia.com/gpu=1, say",
  },
  nodeSelector: {
    flag: "--node-selector",
    value: "key=value",
    doc: "A label that a node must have to take a replica",
  },
  tolerations: {
    flag: "--toleration",
    value: "taint",
    doc: "A taint that does not keep replicas off: KEY, KEY=VALUE, either with :EFFECT, or *",
  },
} as const

type Name = keyof typeof flags

export function addListFlags(command: Command, group: string): void {
  for (const { flag: name, value, doc } of Object.values(flags)) {
    const description = `none\n${doc}; may be said again.`
    command.addOption(repeated(`${name} <${value}>`, description).helpGroup(group))
  }
}

/** What was given by them. */
export function givenLists(command: Command): ListsLayer {
  const all: Readonly<Record<string, readonly string[] | undefined>> = command.opts()
  const said = (name: Name): readonly string[] | undefined =>
    all[new Option(flags[name].flag).attributeName()]
  const pairs = (name: Name): Record<string, string> => pairsOf(said(name) ?? [], flags[name])
  const initParts = {
    image: said("init.image")?.at(-1),
    command: said("init.command"),
    args: said("init.args"),
    env: said("init.env") && pairs("init.env"),
    mounts: said("init.mounts"),
  } satisfies { [Part in keyof Required<InitConfig>]: InitConfig[Part] | undefined }
  const init: InitConfig = Object.fromEntries(
    Object.entries(initParts).filter(([, value]) => value !== undefined),
  )
  const lists: DeploymentLists = {
    env: pairs("env"),
    envFrom: said("envFrom") ?? [],
    labels: pairs("labels"),
    serviceAnnotations: pairs("serviceAnnotations"),
    // What a text may be is checked where layers meet, as that of a configuration file is.
    volumes: pairs("volumes") as Record<string, VolumeText>,
    ...(Object.keys(init).length === 0 ? {} : { init }),
    resources: Object.fromEntries(
      Object.entries(pairs("resources")).map(([name, count]) => [
        name,
        // What is no number stays the text that it is, and is refused as such.
        /^\d+$/.test(count) ? Number(count) : count,
      ]),
    ) as Record<string, number>,
    nodeSelector: pairs("nodeSelector"),
    tolerations: said("tolerations") ?? [],
  }
  return { ...lists, spelt: (name) => (name in flags ? flags[name as Name].flag : flag(name)) }
}

function pairsOf(
  typed: readonly string[],
  { flag: name, value: shape }: { readonly flag: string; readonly value: string },
): Record<string, string> {
  return Object.fromEntries(
    typed.map((pair) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? []
      if (key !== undefined && value !== undefined) return [key, value]
      throw new Failure(2, `${name} is ${JSON.stringify(pair)}; it must be ${shape}.`)
    }),
  )
}
