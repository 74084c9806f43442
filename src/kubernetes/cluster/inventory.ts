/**
 * What there is of a deployment in the cluster: everything, of whatever kind, that bears its labels.
 * It is looked for in the whole API of the namespace rather than in a list of what we remember to
 * have made, so that what an interrupted deploy or another version of Capstan left is found as well.
 */
import type { KubernetesObject, OwnerReference } from "../kinds.ts"
import { selectorOf } from "../manifests/labels.ts"
import { namesFor } from "../manifests/objects.ts"
import { type Api, ApiError } from "./api.ts"
import { fieldManager } from "./apply.ts"
import { collection, deletableResources, plurals, type Resource } from "./resources.ts"

export interface Found {
  readonly kind: string
  readonly name: string
  readonly path: string
  readonly uid: string
  /** Made by another object, with which it goes: pods and replica sets. */
  readonly owners: readonly Pick<OwnerReference, "kind" | "name">[]
  /** Already told to go. */
  readonly going: boolean
  /** By `capstan deploy`, whose name the server has kept. */
  readonly isDeployed: boolean
  /**
   * Bears the labels, and is not what Capstan makes, nor made by what it makes: labels get copied, by
   * `kubectl expose deployment` for one.
   */
  readonly isForeign: boolean
}

export class Inventory {
  readonly #api: Api
  readonly #namespace: string
  readonly #selector: string
  readonly #names: readonly string[]
  #resources: readonly Resource[] | undefined
  /** Kinds that Capstan makes, and of which one may not see what there is. */
  readonly unseen = new Set<string>()

  constructor(api: Api, namespace: string, name: string) {
    this.#api = api
    this.#namespace = namespace
    this.#selector = selectorOf(name)
    this.#names = namesFor(name)
  }

  /** All of it, sorted by kind and name. */
  async look(): Promise<readonly Found[]> {
    this.#resources ??= await deletableResources(this.#api)
    const lists = await Promise.all(this.#resources.map((resource) => this.#list(resource)))
    const key = ({ kind, name }: Found): string => `${kind}/${name}`
    // Events and some others are served by two groups; an object is the same by its uid.
    const unique = new Map(lists.flat().map((found) => [found.uid, found]))
    const sorted = [...unique.values()].toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
    return withStrangersChildren(sorted)
  }

  async #list({ apiVersion, kind, plural }: Resource): Promise<Found[]> {
    const path = collection(apiVersion, plural, this.#namespace)
    try {
      const items = await this.#api.list<KubernetesObject>(path, { labelSelector: this.#selector })
      return items.map(({ metadata = {} }) => {
        const { name = "", ownerReferences = [], managedFields = [] } = metadata
        const leader = followers.get(kind)
        const owners = leader === undefined ? ownerReferences : [{ kind: leader, name }]
        const isDeployed = managedFields.some(({ manager }) => manager === fieldManager)
        // Applied by others, as GitOps does, it has the names that manifests give it.
        const isMade = isDeployed || (kind in plurals && this.#names.includes(name))
        return {
          kind,
          name,
          path: `${path}/${name}`,
          uid: metadata.uid ?? "",
          owners,
          going: metadata.deletionTimestamp !== undefined,
          isDeployed,
          isForeign: !isMade && owners.length === 0,
        }
      })
    } catch (error) {
      // What is gone as a kind is gone.
      const isHidden = error instanceof ApiError && [403, 404, 405].includes(error.status)
      if (!isHidden) throw error
      if (error.status === 403 && kind in plurals) this.unseen.add(kind)
      return []
    }
  }
}

/**
 * Kinds that a controller makes of another, and takes away with it, without saying whose they are: they
 * have its name.
 */
const followers: ReadonlyMap<string, string> = new Map([["Endpoints", "Service"]])

/** What a stranger has made is a stranger's. */
function withStrangersChildren(found: readonly Found[]): readonly Found[] {
  const strangers = found.filter(({ isForeign }) => isForeign)
  const isTheirs = ({ owners, isForeign }: Found): boolean =>
    !isForeign && owners.some((owner) => strangers.some((each) => isSame(each, owner)))
  if (!found.some(isTheirs)) return found
  return withStrangersChildren(
    found.map((each) => (isTheirs(each) ? { ...each, isForeign: true } : each)),
  )
}

function isSame(a: Pick<Found, "kind" | "name">, b: Pick<Found, "kind" | "name">): boolean {
  return a.kind === b.kind && a.name === b.name
}

/**
 * What has to be deleted so that all of it goes, in this order: the autoscaler first, or it might
 * scale what is just going; then whatever nobody else owns.
 */
export function toDelete(found: readonly Found[]): readonly Found[] {
  const roots = found.filter(
    ({ owners, going, isForeign }) => owners.length === 0 && !going && !isForeign,
  )
  const isFirst = ({ kind }: Found): boolean => kind === "HorizontalPodAutoscaler"
  return [...roots.filter(isFirst), ...roots.filter((each) => !isFirst(each))]
}

/**
 * What an earlier deploy has made and this one has not: a route, say, once no Gateway is named any
 * more. Labels alone don't tell here: `kubectl expose deployment` gives its Service the Deployment's,
 * and nobody has said that this should go.
 */
export function superseded(
  found: readonly Found[],
  objects: readonly KubernetesObject[],
): readonly Found[] {
  const wanted = new Set(objects.map(({ kind, metadata }) => `${kind}/${metadata?.name}`))
  return toDelete(found).filter(
    ({ kind, name, isDeployed }) => isDeployed && kind in plurals && !wanted.has(`${kind}/${name}`),
  )
}

/** Deletes one; that it is gone already is as good. */
export async function remove(api: Api, { path, uid }: Found): Promise<void> {
  try {
    await api.text(path, {
      method: "DELETE",
      // Not another of the same name that has been made in the meantime.
      body: { propagationPolicy: "Background", preconditions: { uid } },
    })
  } catch (error) {
    const isGone = error instanceof ApiError && [404, 409].includes(error.status)
    if (!isGone) throw error
  }
}
