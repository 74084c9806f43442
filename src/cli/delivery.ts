/**
 * How the image of a deploy gets to the cluster. Named with `--image`, it is where the cluster can
 * pull it. Otherwise it is built, for the processors that the nodes have, and loaded into the cluster
 * where that is on this machine (minikube, kind), or else pushed to the registry in its tag.
 */
import type { Api, LocalCluster } from "../kubernetes/cluster/api.ts"
import { ApiError } from "../kubernetes/cluster/api.ts"
import { takesPods } from "../kubernetes/cluster/room.ts"
import { fullName } from "../kubernetes/image/dockerfile.ts"
import { type Platform, platforms } from "../kubernetes/image/native.ts"
import { loadImage, pushImage } from "../kubernetes/image/transport.ts"
import type { Node } from "../kubernetes/kinds.ts"
import type { Described } from "./deployment-flags.ts"
import { Failure } from "./failure.ts"
import { build, failing, ownPlatform } from "./image-build.ts"
import { say } from "./say.ts"
import { temporaryFolder } from "./temporary-folder.ts"

export type Delivery =
  | { readonly kind: "pull"; readonly image: string }
  /** `image` is what it will be called, as far as that is known before it is built. */
  | { readonly kind: "push"; readonly image: string }
  | { readonly kind: "load"; readonly image: string; readonly into: LocalCluster }

/** @throws {Failure} when it has to be pushed, and no registry is named. */
export function deliveryOf({ service, image, deployment }: Described, api: Api): Delivery {
  if (deployment.image !== undefined) return { kind: "pull", image: deployment.image }
  const { local } = api
  if (local !== undefined) {
    return { kind: "load", image: fullName(image.tag ?? deployment.name), into: local }
  }
  if (image.tag === undefined) {
    throw new Failure(
      2,
      `Which image? The cluster of ${api.context} has to pull it from a registry.`,
      `Name the one that is there with --image, or where to push the one that is built now with --tag, for example --tag registry.example/me/${deployment.name}:${service.version}.`,
    )
  }
  return { kind: "push", image: image.tag }
}

/** Builds the image and brings it there; resolves to its name for the cluster. */
export async function deliver(
  delivery: Exclude<Delivery, { kind: "pull" }>,
  described: Described,
  api: Api,
  signal: AbortSignal,
): Promise<string> {
  const wanted = await platformsFor(described, api)
  using folder = temporaryFolder()
  const place = { folder: folder.path, signal }
  if (delivery.kind === "load") {
    const built = await build(described, wanted.slice(0, 1), place)
    const { into } = delivery
    say(`${into.kind} loads it into ${into.kind === "kind" ? into.cluster : into.profile}`)
    return await failing(() => loadImage(built, into, place))
  }
  const built = await build(described, wanted, place)
  say(`${built.builder} pushes it`)
  return await failing(() => pushImage(built, place))
}

/** What was asked for, or what the nodes are. */
async function platformsFor(
  { image, deployment }: Described,
  api: Api,
): Promise<readonly Platform[]> {
  if (image.platform.length > 0) return [...new Set(image.platform)]
  const nodes = await api.list<Node>("/api/v1/nodes").catch((error: unknown) => {
    // Who may not look builds for what this machine is.
    if (error instanceof ApiError) return []
    throw error
  })
  const found = new Set(
    nodes
      .filter((node) => takesPods(node, deployment))
      .map(({ status }) => `linux/${status?.nodeInfo?.architecture}`),
  )
  const known = platforms.filter((platform) => found.has(platform))
  return known.length === 0 ? [ownPlatform] : known
}
