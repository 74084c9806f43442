/**
 * The init container: what has to be done in each replica before the service starts, such as
 * fetching a model into a volume. It is held to what the service is held to: not root, a root file
 * system that can't be written, no more CPU and memory than the service reserves anyway.
 */
import { OptionError } from "../option.ts"
import { checkedVariable, type EnvironmentValue } from "./variables.ts"

/** The init container as the configuration file describes it. */
export interface InitConfig {
  /** Its image. @default the service's own, which has Node */
  readonly image?: string
  /** Replaces the image's entry point, a word an element. No shell reads it unless it is one. */
  readonly command?: readonly string[]
  /** What the command is given, a word an element. */
  readonly args?: readonly string[]
  /** Its environment variables; it has none of the service's. */
  readonly env?: Readonly<Record<string, EnvironmentValue>>
  /** The paths of `volumes` that it has, at the same places and to write to. @default all of them */
  readonly mounts?: readonly string[]
}

export interface Init {
  /** Undefined for the service's own. */
  readonly image: string | undefined
  readonly command: readonly string[] | undefined
  readonly args: readonly string[] | undefined
  readonly env: Readonly<Record<string, EnvironmentValue>>
  readonly mounts: readonly string[]
}

interface InitLayer {
  readonly init?: InitConfig
  readonly spelt: (name: string) => string
}

/**
 * Lays what is said of it over each other: variables add up, all else replaces what was said before.
 * @param paths where volumes are mounted.
 * @throws {OptionError} on what could not work.
 */
export function resolveInit(
  layers: readonly InitLayer[],
  paths: readonly string[],
): Init | undefined {
  const env: Record<string, EnvironmentValue> = {}
  let given: InitConfig | undefined
  let spelt = (name: string): string => name
  for (const layer of layers) {
    if (layer.init === undefined) continue
    for (const [name, value] of Object.entries(layer.init.env ?? {})) {
      env[name] = checkedVariable(name, value, `${layer.spelt("init.env")} ${name}`)
    }
    for (const path of layer.init.mounts ?? []) {
      if (paths.includes(path)) continue
      throw new OptionError(
        `${layer.spelt("init.mounts")} is ${JSON.stringify(path)}, and no volume is mounted there; ${paths.length === 0 ? "there are none" : `they are at ${paths.join(", ")}`}.`,
      )
    }
    const image = layer.init.image
    if (image !== undefined && !/^\S+$/.test(image)) {
      throw new OptionError(
        `${layer.spelt("init.image")} is ${JSON.stringify(image)}; it must be the name of an image, like curlimages/curl:8.17.0.`,
      )
    }
    const said = Object.entries(layer.init).filter(([, value]) => value !== undefined)
    given = { ...given, ...Object.fromEntries(said) }
    spelt = layer.spelt
  }
  if (given === undefined) return undefined
  const { image, command, args, mounts = paths } = given
  if (image === undefined && (command ?? []).length === 0) {
    throw new OptionError(
      `${spelt("init.command")} is left out, and so is ${spelt("init.image")}: the service's own image would start the service, which does not end. Name the command, or another image.`,
    )
  }
  return { image, command, args, env, mounts }
}
