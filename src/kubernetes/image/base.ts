/**
 * Whether an image has the Node that the bundle needs. Its base is somebody else's, and what is wrong
 * with it would show on the cluster alone. The image is asked itself, where it can be run here;
 * otherwise what its variables say, which those that are made from Node's own have from there.
 */
import type { Builder } from "./builder.ts"
import { run } from "./run.ts"

/** What the bundle is made for, and the least that `engines` of package.json has. */
export const nodeMajorMin = 24

export type NodeFound =
  | { readonly kind: "good"; readonly version: string }
  | { readonly kind: "old"; readonly version: string }
  /** It can't start `node`. `said` is what it said instead. */
  | { readonly kind: "none"; readonly said: string }
  | { readonly kind: "unknown" }

export interface Asked {
  /** Of `node --version` in the image; undefined where it was not run. */
  readonly ran: { readonly code: number | null; readonly output: string } | undefined
  /** The image's variables as the builder prints them, `[PATH=/bin NODE_VERSION=26.1.0]`. */
  readonly variables: string
}

/**
 * How docker and podman end when it is they, or their runtime, that can't run anything, as in a
 * container; a program that is not there is 127.
 */
const builderFailed: readonly (number | null)[] = [null, 125, 126, 128]

/** Reads what was answered. */
export function nodeOf({ ran, variables }: Asked): NodeFound {
  const spoken = /^v(\d+\.\d+\.\d+)\s*$/m.exec(ran?.code === 0 ? ran.output : "")?.[1]
  const version = spoken ?? /(?:^|[\s[])NODE_VERSION=(\d+(?:\.\d+)*)/.exec(variables)?.[1]
  if (ran !== undefined && ran.code !== 0 && !builderFailed.includes(ran.code)) {
    return { kind: "none", said: ran.output.trim() }
  }
  if (version === undefined) return { kind: "unknown" }
  const major = Number(version.split(".")[0])
  return { kind: major >= nodeMajorMin ? "good" : "old", version }
}

/**
 * Asks an image that was built for its Node.
 * @param isOwn whether it is for this machine's processor, so that it can be run here.
 */
export async function nodeIn(
  builder: Builder,
  id: string,
  isOwn: boolean,
  signal: AbortSignal,
): Promise<NodeFound> {
  // As it is started on a cluster. buildah makes images and runs none.
  const started = ["run", "--rm", "--pull=never", "--network=none", id, "node", "--version"]
  const ran = isOwn && builder !== "buildah" ? await run(builder, started, { signal }) : undefined
  const inspect =
    builder === "buildah"
      ? ["inspect", "--type", "image", "--format", "{{.OCIv1.Config.Env}}", id]
      : ["image", "inspect", "--format", "{{.Config.Env}}", id]
  const { stdout } = await run(builder, inspect, { signal })
  return nodeOf({ ran, variables: stdout })
}
