/**
 * Server-side apply: the server merges what we own into what is there, remembers under the name of
 * our field manager what that was, and refuses to take a field that somebody else has set.
 */
import type { KubernetesObject } from "../kinds.ts"
import { isMadeFor } from "../manifests/labels.ts"
import { type Api, ApiError, type Call, type Cause } from "./api.ts"
import { type Change, changesBetween } from "./changes.ts"
import { pathOf } from "./resources.ts"

/** The name by which the server knows what Capstan has applied. */
export const fieldManager = "capstan"

export interface Applied {
  readonly kind: string
  readonly name: string
  readonly what: "created" | "changed" | "unchanged"
  readonly changes: readonly Change[]
}

/**
 * Somebody else has made what has the name. The server itself would refuse only where both set the
 * same field otherwise; and with our labels on it, it would go when the deployment does.
 */
export class ForeignError extends Error {
  override readonly name = "ForeignError"
}

/** Others have set fields of an object that would be set otherwise. The message says who, and which. */
export class ConflictError extends Error {
  override readonly name = "ConflictError"
}

export interface ApplyOptions {
  /** Whose objects these are. */
  readonly deployment: string
  readonly namespace: string
  /** Go through all of it, admission and quota included, and store nothing. */
  readonly dryRun: boolean
  /** Take over fields that others have set, and objects that others have made. */
  readonly force: boolean
}

/**
 * @throws {ApiError} as the server says it.
 * @throws {ForeignError} when the object is there, and of somebody else.
 * @throws {ConflictError} when it is ours, and fields of it are somebody else's.
 */
export async function apply(
  api: Api,
  object: KubernetesObject,
  { deployment, namespace, dryRun, force }: ApplyOptions,
): Promise<Applied> {
  const path = pathOf(object, namespace)
  const before = await api.find<KubernetesObject>(path)
  if (before !== undefined && !force && !isMadeFor(deployment, before)) {
    throw new ForeignError(
      `There is a ${object.kind} ${object.metadata?.name} in the namespace ${namespace} that was not made for ${deployment} by Capstan.`,
    )
  }
  const patch: Call = {
    method: "PATCH",
    contentType: "application/apply-patch+yaml",
    body: { ...object, metadata: { ...object.metadata, namespace } },
    query: { fieldManager, force: `${force}`, ...(dryRun ? { dryRun: "All" } : {}) },
  }
  const after = await api.json<KubernetesObject>(path, patch).catch((error: unknown) => {
    const theirs = error instanceof ApiError && error.status === 409 ? ownersIn(error.causes) : ""
    if (theirs === "") throw error
    const which = `the ${object.kind} ${object.metadata?.name}`
    throw new ConflictError(`Others have set what this would change in ${which}: ${theirs}.`)
  })
  const changes = before === undefined ? [] : changesBetween(before, after)
  return {
    kind: object.kind ?? "",
    name: object.metadata?.name ?? "",
    what: before === undefined ? "created" : changes.length > 0 ? "changed" : "unchanged",
    changes,
  }
}

/** `kubectl-edit spec.replicas, spec.paused; helm metadata.labels.team`; empty when it says nothing of that. */
function ownersIn(causes: readonly Cause[]): string {
  const fields = causes.flatMap(({ reason, message = "", field = "" }) => {
    const [, owner] = /conflict with "([^"]+)"/.exec(message) ?? []
    if (reason !== "FieldManagerConflict" || owner === undefined) return []
    return [{ owner, field: field.replace(/^\./, "") }]
  })
  const byOwner = Map.groupBy(fields, ({ owner }) => owner)
  return Array.from(
    byOwner,
    ([owner, its]) => `${owner} ${its.map(({ field }) => field).join(", ")}`,
  ).join("; ")
}
