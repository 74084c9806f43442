/**
 * What a replica finds at a path beside its image. A volume is known by where it is mounted, so that
 * two can't be at one place, and no name has to be made up for it.
 */
import type { Container, PodSpec } from "../kinds.ts"
import { isObjectName, nameLengthMax, nameOf } from "../name.ts"
import { OptionError } from "../option.ts"
import { isMemory } from "../quantity.ts"

type Source = `emptydir/${string}` | `claim/${string}` | `configmap/${string}` | `secret/${string}`

/**
 * What is mounted: `emptydir/SIZE`, an empty folder of the replica's own that goes with it;
 * `claim/NAME`, a persistent volume claim; `configmap/NAME` and `secret/NAME`, a file for each key.
 * With `:ro` behind it the service can only read it; config maps and secrets always are read-only.
 */
export type VolumeText = Source | `${Source}:ro`

export interface Volume {
  /** Where it is mounted. */
  readonly path: string
  readonly kind: "emptydir" | "claim" | "configmap" | "secret"
  /** The size of an `emptydir`; the name of all others. */
  readonly of: string
  /** Whether the service can only read it. An init container can write to it all the same. */
  readonly readOnly: boolean
}

const shapes =
  "emptydir/SIZE, claim/NAME, configmap/NAME or secret/NAME, with :ro behind it to be read only"

/** @throws {OptionError} on a path that can't be mounted at, and on a source that is none. */
export function volumeFrom(path: string, text: string, where: string): Volume {
  checkPath(path, where)
  const [, kind, of = "", readOnly] =
    /^(emptydir|claim|configmap|secret)\/(.+?)(:ro)?$/.exec(text) ?? []
  if (kind === undefined) {
    throw new OptionError(`${where} is ${JSON.stringify(text)}; it must be ${shapes}.`)
  }
  if (kind === "emptydir" && !isMemory(of)) {
    throw new OptionError(
      `${where} is ${JSON.stringify(text)}; the size of an emptydir must be bytes like 512Mi or 2Gi.`,
    )
  }
  if (kind !== "emptydir" && !isObjectName(of)) {
    throw new OptionError(
      `${where} is ${JSON.stringify(text)}; no ${kind === "configmap" ? "config map" : kind} can be called ${JSON.stringify(of)}: they are called like models or models.shop.`,
    )
  }
  return { path, kind: kind as Volume["kind"], of, readOnly: readOnly !== undefined }
}

/** Where the image or the runtime has what the process needs. */
const taken =
  /^\/(?:app|bin|dev|etc|lib(?:64)?|sbin|usr(?:\/(?:bin|lib|local(?:\/(?:bin|lib))?))?|(?:proc|sys)(?:\/.*)?)?$/

function checkPath(path: string, where: string): void {
  const isClean = /^(?:\/[^/:]+)+$/.test(path) && !/\/\.\.?(?:\/|$)/.test(path)
  if (path !== "/" && !isClean) {
    throw new OptionError(
      `${where}: it must be mounted at an absolute path like /models, without a colon, "." or "..", and without a slash at its end.`,
    )
  }
  if (taken.test(path)) {
    throw new OptionError(
      `${where}: nothing can be mounted at ${path}, which would hide what the process needs from there. Take a path of its own, like /models, or one below /app.`,
    )
  }
}

/**
 * There always is one for temporary files, since nothing else can be written. It has a bound, since the
 * node's disk is everybody's: who fills it is evicted, and not those beside it.
 */
const temporary: Volume = { path: "/tmp", kind: "emptydir", of: "1Gi", readOnly: false }

/** All volumes of a pod, with what they are called in it. */
function named(volumes: readonly Volume[]): readonly (Volume & { readonly name: string })[] {
  const all = volumes.some(({ path }) => path === temporary.path)
    ? volumes
    : [temporary, ...volumes]
  const names = new Set<string>()
  return all.map((volume) => {
    const base = nameOf(volume.path)
    let name = base
    for (let n = 2; names.has(name); n++) {
      const suffix = `-${n}`
      name = base.slice(0, nameLengthMax - suffix.length) + suffix
    }
    names.add(name)
    return { ...volume, name }
  })
}

export function podVolumes(volumes: readonly Volume[]): NonNullable<PodSpec["volumes"]> {
  return named(volumes).map(({ name, kind, of }) => {
    switch (kind) {
      case "emptydir":
        return { name, emptyDir: { sizeLimit: of } }
      case "claim":
        return { name, persistentVolumeClaim: { claimName: of } }
      case "configmap":
        return { name, configMap: { name: of } }
      case "secret":
        return { name, secret: { secretName: of } }
      default:
        return kind satisfies never
    }
  })
}

/** As the service has them. */
export function mountsOf(volumes: readonly Volume[]): NonNullable<Container["volumeMounts"]> {
  return named(volumes).map(({ name, path, readOnly }) => ({
    name,
    mountPath: path,
    ...(readOnly ? { readOnly } : {}),
  }))
}

/** As an init container has them, which is there to fill them. */
export function writableMounts(
  volumes: readonly Volume[],
  paths: readonly string[],
): NonNullable<Container["volumeMounts"]> {
  return named(volumes)
    .filter(({ path }) => path === temporary.path || paths.includes(path))
    .map(({ name, path }) => ({ name, mountPath: path }))
}
