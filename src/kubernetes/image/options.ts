/** What can be said about an image and how it is built. */
import { checked, type OptionSpec, type OptionValue } from "../option.ts"
import { builders, formats } from "./builder.ts"
import { platforms } from "./native.ts"

export const imageTable = {
  tag: {
    kind: "text",
    default: undefined,
    doc: "Its name, registry included. Left out: the service's title and version, for an image that stays here.",
    why: "Which registry is yours can't be known.",
  },
  base: {
    kind: "text",
    default: "node:26-slim",
    doc: "The image that it starts from; it must have Node 24 or later. Pinned: `node:26-slim@sha256:…`.",
    why: "The smallest of Node's own images with glibc, which packages with compiled code are made for.",
  },
  platform: {
    kind: "list",
    default: [],
    choices: platforms,
    doc: "What it runs on: linux/amd64, linux/arm64, or both separated by a comma. Left out: what this machine is; with `capstan deploy`, what the cluster's nodes are.",
    why: "An image for another processor starts, and ends at once with exec format error.",
  },
  builder: {
    kind: "choice",
    default: undefined,
    choices: builders,
    doc: "Who builds: docker, podman or buildah. Left out: the first of them that works.",
    why: "The Dockerfile asks for nothing that one of them has not.",
  },
  format: {
    kind: "choice",
    default: "oci",
    choices: formats,
    doc: "Of images by podman and buildah: oci, or docker, which has the health check as well.",
    why: "Only in OCI's is the same input the same digest; Kubernetes has probes of its own.",
  },
  external: {
    kind: "list",
    default: [],
    doc: "Packages to bring whole instead of bundling them, and with all that they have: their binaries for other platforms, too.",
    why: "Those with compiled code and those that have files beside their code are found by themselves; others are smaller and start faster bundled.",
  },
  files: {
    kind: "list",
    default: [],
    doc: "Files of the project that the service reads, as patterns from the folder with package.json: models/*.bin, assets/**.",
    why: "Those that the code names relative to itself are found by themselves, and nothing else of a project is anybody's business.",
  },
} as const satisfies Readonly<Record<string, OptionSpec>>

type Table = typeof imageTable
type ImageOptionName = keyof Table

/** An image as the configuration file describes it. */
export type ImageConfig = { readonly [Name in ImageOptionName]?: OptionValue<Table[Name]> }

/** What one source says of it. */
export interface ImageLayer {
  readonly values: Readonly<Partial<Record<ImageOptionName, unknown>>>
  readonly spelt: (name: string) => string
}

export type ImageOptions = {
  readonly [Name in ImageOptionName]: Table[Name]["default"] extends undefined
    ? OptionValue<Table[Name]> | undefined
    : OptionValue<Table[Name]>
}

/**
 * Lays the layers over each other and fills in the defaults; of a list, the last layer's counts.
 * @throws {OptionError} on a value that is not what it may be.
 */
export function resolveImage(layers: readonly ImageLayer[]): ImageOptions {
  const given: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries<OptionSpec>(imageTable)) {
    given[name] = spec.default
    for (const { values, spelt } of layers) {
      const value = values[name as ImageOptionName]
      if (value !== undefined) given[name] = checked(spec, value, spelt(name))
    }
  }
  return given as ImageOptions
}
