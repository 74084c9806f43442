/** How a watch begins: with what is there, or with a word on what is not. */
import type { Api } from "../../kubernetes/cluster/api.ts"
import type { Subject } from "../../kubernetes/watch/look.ts"
import { Failure } from "../failure.ts"
import { ClusterWatch } from "./cluster-watch.ts"
import type { WatchEvent } from "./words.ts"

/**
 * A deployment that is there, looked at once.
 * @throws {Failure} when it is not, or there is no answer.
 */
export async function firstLook(
  api: Api,
  subject: Subject,
  told?: (event: WatchEvent) => void,
): Promise<ClusterWatch> {
  const watched = new ClusterWatch(api, subject, told)
  await watched.look()
  if (watched.state?.isThere) return watched
  throw new Failure(
    1,
    `There is no deployment ${subject.name} in the namespace ${subject.namespace} of ${api.context}.`,
    "capstan deploy makes one; --namespace and --context name other places.",
  )
}
