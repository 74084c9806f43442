/**
 * Server-side apply: the server merges what we own into what is there, remembers under the name of
 * our field manager what that was, and refuses to take a field that somebody else has set.
 */
import type { KubernetesObject } from "@kubernetes/client-node"
import type { Api } from "./api.ts"
import { type Change, changesBetween } from "./changes.ts"
import { pathOf } from "./resources.ts"

const fieldManager = "capstan"

export interface Applied {
  readonly kind: string
  readonly name: string
  readonly what: "created" | "changed" | "unchanged"
  readonly changes: readonly Change[]
}

export interface ApplyOptions {
  readonly namespace: string
  /** Go through all of it, admission and quota included, and store nothing. */
  readonly dryRun: boolean
  /** Take fields over that others have set. */
  readonly force: boolean
}

/** @throws {ApiError} as the server says it: 409 when somebody else owns a field. */
export async function apply(
  api: Api,
  object: KubernetesObject,
  { namespace, dryRun, force }: ApplyOptions,
): Promise<Applied> {
  const path = pathOf(object, namespace)
  const before = await api.find<KubernetesObject>(path)
  const after = await api.json<KubernetesObject>(path, {
    method: "PATCH",
    contentType: "application/apply-patch+yaml",
    body: { ...object, metadata: { ...object.metadata, namespace } },
    query: { fieldManager, force: `${force}`, ...(dryRun ? { dryRun: "All" } : {}) },
  })
  const changes = before === undefined ? [] : changesBetween(before, after)
  return {
    kind: object.kind ?? "",
    name: object.metadata?.name ?? "",
    what: before === undefined ? "created" : changes.length > 0 ? "changed" : "unchanged",
    changes,
  }
}
